import Foundation
import HTTPTypes

// S4: set unit count.

extension SandboxModel {
    private static let success = SandboxAnswer.json(
        ["status": 201, "message": "Success - Created Service Unit Count"], status: .created)

    mutating func setUnitCount(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        let position = try context.organization
        var fields = FieldReader(try context.content, settings: settings)
        let accountID = fields.optionalIdentifier("accountId")
        // Two spellings of one deprecated field (U-9).
        let clientID = fields.optionalIdentifier("clientOId") ?? fields.optionalIdentifier("clientOid")
        let value = unitCount(&fields)
        if accountID == nil, clientID == nil, fields.problems.isEmpty {
            fields.note("accountId", "or clientOId must be a string")
        }
        try fields.check()

        let key = try countKey(position, accountID: accountID, clientID: clientID, serviceID: context.parameter)
        let rebuild = try !isNoBuild(context)
        organizations[position].accept(
            value, for: key, at: context.now,
            billingDelayMilliseconds: rebuild ? settings.billingDelayMilliseconds : nil)
        return Self.success
    }

    /// The mapped account and the mapped service a count is for; 404 without them, the account first
    /// (contract section 8).
    private func countKey(
        _ position: Int, accountID: String?, clientID: String?, serviceID: String
    ) throws(CallRefusal) -> CountKey {
        let organization = organizations[position]
        let accountKey: String
        if let accountID {
            guard let account = organization.accounts[accountID],
                organization.mappings.client(ofAccount: account.key) != nil
            else { throw .noAccountMap(id: accountID) }
            accountKey = account.key
        } else {
            guard let account = organization.mappings.account(ofClient: clientID ?? "") else {
                throw .simulatedNotFound("No client map found with id: \(clientID ?? "")")
            }
            accountKey = account
        }
        guard let service = organization.service(serviceID, vendor: vendor),
            !organization.mappings.products(ofService: service.key).isEmpty
        else { throw .simulatedNotFound("No service map found with id: \(serviceID)") }
        return CountKey(accountKey: accountKey, serviceKey: service.key)
    }

    /// Any finite number from 0 (U-18). It sets, it does not add.
    private func unitCount(_ fields: inout FieldReader) -> Double {
        guard let value = fields.value("unitCount")?.double, value >= 0 else {
            fields.note("unitCount", "must be a finite number of at least 0")
            return 0
        }
        return value
    }

    /// `true`, `True` or `1` (U-17).
    private func isNoBuild(_ context: CallContext) throws(CallRefusal) -> Bool {
        guard let value = try context.query["no_build"] else { return false }
        return value == "1" || value.lowercased() == "true"
    }
}

extension Organization {
    /// Stores a count; the integration turns active with it (U-3).
    ///
    /// - Parameter billingDelayMilliseconds: until the billing view is rebuilt; nil for no rebuild.
    mutating func accept(_ value: Double, for key: CountKey, at now: Date, billingDelayMilliseconds: Int?) {
        let times = (counts[key]?.times ?? 0) + 1
        counts[key] = UnitCount(value: value, at: now, times: times)
        lastSyncedAt = now
        status = .active
        if let delay = billingDelayMilliseconds { billing.countAccepted(at: now, delayMilliseconds: delay) }
    }
}
