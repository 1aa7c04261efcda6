import Foundation
import Secrets
import Store

/// Records to start from. All instants are whole milliseconds, which is what a store keeps.
enum Sample {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let sealed = SealedSecret(bytes: Array(0...255))

    static func partner(_ number: Int = 1) -> Partner {
        Partner(
            id: PartnerID("par_\(number)"), vendorReference: "vendor-\(number)", name: "Partner \(number)",
            timeZone: "Europe/Berlin", createdAt: now)
    }

    static func run(
        _ id: String, _ partner: Partner = partner(), _ purpose: RunPurpose = .usage, at instant: Date = now
    ) -> SyncRun {
        SyncRun(id: SyncRunID(id), partnerID: partner.id, purpose: purpose, trigger: .partner, createdAt: instant)
    }

    static func connected(_ partner: Partner = partner()) -> Connection {
        Connection(
            partnerID: partner.id, state: .connected, stateSince: now + 1, stateReason: "because", partnerKey: sealed,
            keyLastFour: "abcd", keySavedAt: now + 2, keyVersion: 3, organizationID: "org", organizationName: "Org",
            reportedStatus: "pending", statusReadAt: now + 3, mappingLostAt: now + 4)
    }

    static func credential(_ partner: Partner = partner(), connector: String = "saas-alerts") -> VendorCredential {
        VendorCredential(
            partnerID: partner.id, connectorID: connector, openFields: ["API URL": "https://a.example/x?y=\"z\""],
            sealedFields: sealed, savedAt: now)
    }

    static func schedule(_ partner: Partner = partner(), next: Date?) -> Schedule {
        Schedule(
            partnerID: partner.id, cadence: .weekly, weekday: 7, dayOfMonth: 31, minuteOfDay: 1439, isActive: next != nil,
            nextRunAt: next)
    }

    /// A planned line, unless `state` says otherwise.
    static func line(
        _ run: SyncRun, _ position: Int, count: Decimal = 5, state: UsageLineState = .planned, service: String = "s1"
    ) -> UsageLine {
        UsageLine(
            runID: run.id, position: position, accountID: "a\(position)", accountName: "Account \(position)",
            serviceID: service, serviceName: "Service \(service)", rawCount: count,
            sentCount: state == .planned ? count : nil, state: state)
    }

    static func outcome(_ position: Int, _ state: UsageLineState, at instant: Date = now + 60) -> LineOutcome {
        LineOutcome(
            position: position, state: state, attempts: 1, httpStatus: state == .accepted ? 200 : 404, message: nil,
            at: instant)
    }

    static func alert(_ id: String, _ partner: Partner = partner(), alertID: String? = nil, at instant: Date = now) -> Alert {
        Alert(
            id: AlertID(id), partnerID: partner.id, accountID: "a1", alertID: alertID ?? "alert-\(id)", title: "Title",
            text: "Text", priority: 4, statusCode: 1, isTest: true, createdAt: instant)
    }
}

extension Store {
    /// A partner and a run of it that `owner` works on.
    func startedRun(
        _ id: String = "run_1", _ partner: Partner = Sample.partner(), owner: String = "me"
    ) async throws -> SyncRun {
        if try await self.partner(partner.id) == nil { try await createPartner(partner) }
        _ = try await insertRun(Sample.run(id, partner))
        let claimed = try await claimRun(owner: owner, at: Sample.now, leaseUntil: Sample.now + 30)
        guard let claimed, claimed.id == SyncRunID(id) else { throw SampleFailure.otherRunClaimed }
        return claimed
    }

    func finish(_ run: SyncRun, _ state: RunState = .succeeded, at instant: Date = Sample.now + 100) async throws -> SyncRun {
        try await finishRun(run.id, state: state, failure: nil, findings: RunFindings(), at: instant)
    }
}

enum SampleFailure: Error {
    case otherRunClaimed
}

extension ConnectionStore {
    /// Over whatever is there.
    func saveConnect(
        connection: Connection, credential: VendorCredential?, job: SyncRun
    ) async throws -> RunInsertion? {
        let before = try await self.connection(connection.partnerID)
        return try await saveConnect(connection: connection, replacing: before, credential: credential, job: job)
    }
}
