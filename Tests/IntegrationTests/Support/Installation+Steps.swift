import Foundation
import Secrets
import Store
import Testing

@testable import Integration

/// What tests do again and again.
extension Installation {
    static let partnerKey = "partner-secret-key-1"

    /// A partner with an organization in Synthesize that the key opens, not connected yet.
    func newPartner(_ number: Int = 1, key: String = partnerKey) async throws -> PartnerID {
        synthesize.changeOrganization(key) {
            $0.id = "org-\(number)"
            $0.name = "MSP \(number)"
        }
        return try await desk.createPartner(vendorReference: "ref-\(number)", name: "MSP \(number)", timeZone: "UTC", by: .launch).id
    }

    /// A partner that has connected and mapped all of its accounts.
    func connectedPartner(_ number: Int = 1, key: String = partnerKey) async throws -> PartnerID {
        let partner = try await newPartner(number, key: key)
        let job = try await connect(partner, key: key)
        #expect(job.state == .succeeded, "\(job.failure?.message ?? "")")
        mapAll(key)
        return partner
    }

    func connect(_ partner: PartnerID, key: String = partnerKey) async throws -> SyncRun {
        try await ended(
            desk.connect(partner, ConnectRequest(partnerKey: key, fields: ["apiKey": "acme-secret"]), by: .partner(partner, address: nil)))
    }

    func mapAll(_ key: String = partnerKey) {
        synthesize.changeOrganization(key) { $0.mappedAccounts = Set($0.accounts.map(\.id)) }
    }

    /// Presses Sync Now and waits for the end.
    func sync(_ partner: PartnerID) async throws -> SyncRun {
        try await ended(desk.startSync(partner, by: .partner(partner, address: nil)).run)
    }

    /// Waits for the end of a run.
    @discardableResult
    func ended(_ run: SyncRun) async throws -> SyncRun {
        for await _ in try await desk.progress(of: run.id) {}
        return try await desk.syncRun(run.id)
    }

    func lines(_ run: SyncRun, _ states: Set<UsageLineState>? = nil) async throws -> [UsageLine] {
        try await desk.lines(run.id, states: states, after: nil, limit: 10_000)
    }

    /// `account state` of each line, in order.
    func lineWords(_ run: SyncRun) async throws -> [String] {
        try await lines(run).map { "\($0.accountID) \($0.state.rawValue)" }
    }

    /// Waits until the condition holds, looking again and again; nothing tells of it.
    /// - Parameter nudge: the clock goes on by this now and then: a loop that began its sleep after the test had moved the clock
    ///   would else sleep for ever.
    func eventually(
        _ what: String, passing nudge: Duration? = nil, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(50)
        var looks = 0
        while try await !condition() {
            looks += 1
            if let nudge, looks.isMultiple(of: 20) { clock.advance(by: nudge) }
            guard ContinuousClock.now < deadline else {
                Issue.record("never came: \(what)", sourceLocation: sourceLocation)
                return
            }
            await Task.yield()
        }
    }
}

/// Expects an `IntegrationError` with this code and returns it.
@discardableResult
func expectFailure(
    _ code: IntegrationError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> IntegrationError? {
    let error = await #expect(throws: IntegrationError.self, sourceLocation: sourceLocation) { try await body() }
    #expect(error?.code == code, "\(error?.description ?? "no error")", sourceLocation: sourceLocation)
    return error
}

extension Installation {
    /// A partner whose connection is written straight into the store: for an installation where nothing works yet.
    func connectedOnPaper(_ number: Int = 1, key: String = partnerKey) async throws -> PartnerID {
        let partner = try await newPartner(number, key: key)
        let environment = desk.environment
        let sealed = try environment.vault.sealPartnerKey(Secret(key), of: partner)
        let credential = try environment.vault.sealCredential(
            vendor.credential(from: ["apiKey": "acme-secret"]), connectorID: vendor.id, of: partner, at: Sample.now)
        try await store.saveVendorCredential(credential)
        try await store.updateConnection(partner) { connection in
            connection.state = .connected
            connection.partnerKey = sealed
            connection.keyLastFour = String(key.suffix(4))
            connection.keySavedAt = Sample.now
            connection.keyVersion = 1
        }
        return partner
    }
}
