import Connectors
import Foundation
import Secrets
import Store

/// One partner with its health, for lists.
public struct PartnerSummary: Sendable {
    public var partner: Partner
    public var connection: Connection
    public var standing: ConnectionStanding
    public var lastRun: SyncRun?
    public var lastSuccessAt: Date?
    /// With the time at which the next sync really begins by itself.
    public var schedule: Schedule?
    /// Nil unless its syncs fail again and again.
    public var failingSchedule: FailingSchedule?
}

extension Desk {
    /// - Throws: `conflict` when the vendor's reference is taken, `invalidInput` for an empty one or an unknown time zone.
    public func createPartner(
        vendorReference: String, name: String, timeZone: String?, by initiator: Initiator
    ) async throws(IntegrationError) -> Partner {
        let reference = vendorReference.trimmingBlanks()
        try Self.requireShowable(reference, "vendorReference", "vendor reference")
        let zone = timeZone ?? "UTC"
        _ = try ScheduleCalendar(timeZone: zone)
        let displayName = name.trimmingBlanks()
        if !displayName.isEmpty { try Self.requireShowable(displayName, "name", "name") }
        let partner = Partner(
            id: PartnerID(environment.random.identifier(prefix: "par_")), vendorReference: reference,
            name: displayName.isEmpty ? reference : displayName, timeZone: zone, createdAt: environment.time.now()
        ).proven(by: environment.keyRing)
        try await audited("partner.create", partner.id, by: initiator, partner.name) { () async throws(IntegrationError) in
            do throws(StoreError) {
                try await store.createPartner(partner)
            } catch {
                guard error.code == .duplicate else { throw IntegrationError(error) }
                throw IntegrationError(
                    code: .conflict, message: "A partner with this vendor reference is there already.", field: "vendorReference")
            }
        }
        return partner
    }

    /// SQLite would end a text at a NUL, and no page can show a longer name.
    private static func requireShowable(_ text: String, _ field: String, _ label: String) throws(IntegrationError) {
        guard (1...200).contains(text.count) else {
            throw IntegrationError(code: .invalidInput, message: "The \(label) must have 1 to 200 characters.", field: field)
        }
        try requireShowableText(text, field, label)
    }

    /// - Throws: `notFound`.
    public func partner(_ id: PartnerID) async throws(IntegrationError) -> Partner {
        guard let partner = try await remember({ store throws(StoreError) in try await store.partner(id) }) else {
            throw IntegrationError(code: .notFound, message: "There is no such partner.")
        }
        return partner
    }

    /// Partners by id with their health.
    public func partners(after cursor: PartnerID?, limit: Int) async throws(IntegrationError) -> [PartnerSummary] {
        let partners = try await remember { store throws(StoreError) in
            try await store.partners(after: cursor, limit: limit)
        }
        var summaries: [PartnerSummary] = []
        for partner in partners { summaries.append(try await summary(partner)) }
        return summaries
    }

    /// Someone comes from the vendor's portal: finds the partner by the vendor's reference, or makes it.
    /// A name that is too long to show is cut, and what cannot be shown is left out: nobody is kept out for it.
    public func admitPartner(
        vendorReference given: String, name givenName: String?, timeZone: String
    ) async throws(IntegrationError) -> Partner {
        // As `createPartner` stores it.
        let vendorReference = given.trimmingWhitespace()
        let name = givenName.map { String($0.showable.trimmingWhitespace().prefix(200)) }
        guard var partner = try await knownPartner(vendorReference) else {
            do {
                return try await createPartner(
                    vendorReference: vendorReference, name: name ?? vendorReference, timeZone: timeZone, by: .launch)
            } catch {
                // Two first launches at once: the other one made it.
                guard error.code == .conflict, let made = try await knownPartner(vendorReference) else { throw error }
                return made
            }
        }
        if let name, !name.isEmpty, name != partner.name {
            partner.name = name
            let renamed = partner
            try await audited("partner.rename", partner.id, by: .launch, name) { () async throws(IntegrationError) in
                try await remember { store throws(StoreError) in try await store.updatePartner(renamed) }
            }
        }
        return partner
    }

    /// The partner that the vendor calls so; nil when there is none.
    /// - Throws: `secrets` when somebody without the keys gave the reference to this partner: the page would be another's.
    func knownPartner(_ vendorReference: String) async throws(IntegrationError) -> Partner? {
        let found = try await remember { store throws(StoreError) in
            try await store.partner(vendorReference: vendorReference)
        }
        try found?.requireProof(environment.keyRing)
        return found
    }

    public func overview(_ id: PartnerID) async throws(IntegrationError) -> PartnerOverview {
        let partner = try await partner(id)
        let environment = environment
        return try await remember { store throws(StoreError) in
            let connectJob = try await store.runs(id, purposes: [.connect], before: nil, limit: 1).first
            let history = try await store.runs(id, purposes: [.usage, .zeros], before: nil, limit: 20)
            // After the runs, because what a run learns of the connection is written before its end: a run shown as ended must
            // not stand beside the connection as it was before.
            let connection = try await store.connection(id)
            let lastRun = history.first { !$0.state.isActive }
            let last = try await environment.lastEndedRun(id)
            let streak = try await environment.failureStreak(id, lastRun: lastRun)
            let schedule = try await environment.effectiveSchedule(partner, after: streak)
            return PartnerOverview(
                partner: partner, connection: connection,
                standing: ConnectionStanding(connection, connectJob: connectJob, lastRun: lastRun),
                productName: environment.connector.productName,
                fields: environment.enteredFields(try await environment.vendorCredential(id)),
                schedule: schedule, failingSchedule: FailingSchedule(streak, schedule), connectJob: connectJob,
                activeRun: history.first { $0.state.isActive }, lastRun: lastRun, history: history,
                notMapped: try await environment.notMapped(id, in: last),
                droppedToZero: try await environment.droppedToZero(id, in: last),
                totals: try await store.serviceTotals(id, runs: 30),
                testAlert: try await store.alerts(id, before: nil, limit: 20).first { $0.isTest })
        }
    }

    private func summary(_ partner: Partner) async throws(IntegrationError) -> PartnerSummary {
        let environment = environment
        return try await remember { store throws(StoreError) in
            let connectJob = try await store.runs(partner.id, purposes: [.connect], before: nil, limit: 1).first
            let runs = try await store.runs(partner.id, purposes: [.usage, .zeros], before: nil, limit: 20)
            let connection = try await store.connection(partner.id)
            let lastRun = runs.first { !$0.state.isActive }
            let streak = try await environment.failureStreak(partner.id, lastRun: lastRun)
            let schedule = try await environment.effectiveSchedule(partner, after: streak)
            return PartnerSummary(
                partner: partner, connection: connection,
                standing: ConnectionStanding(connection, connectJob: connectJob, lastRun: lastRun), lastRun: lastRun,
                lastSuccessAt: runs.first { $0.state == .succeeded }?.finishedAt,
                schedule: schedule, failingSchedule: FailingSchedule(streak, schedule))
        }
    }
}

/// - Parameter inLines: tabs and line ends are fine, as in a description.
/// - Throws: `invalidInput` that names the character that nobody would see, or that would turn the text around it.
func requireShowableText(
    _ text: String?, _ field: String, _ label: String, inLines: Bool = false
) throws(IntegrationError) {
    guard let problem = text?.showingProblem(inLines: inLines) else { return }
    throw IntegrationError(code: .invalidInput, message: "The \(label) \(problem) Nothing was changed.", field: field)
}

extension Partner {
    /// - Throws: `secrets` when the vendor's reference is not the one that Perch wrote.
    func requireProof(_ keyRing: KeyRing) throws(IntegrationError) {
        guard !isProven(by: keyRing) else { return }
        throw IntegrationError(
            code: .secrets,
            message:
                "The vendor's reference of partner \(id) was altered in the database by somebody without the master key, so nothing is "
                + "opened or fetched by it. `perch doctor` names what was altered; restore a backup from before.")
    }
}

extension ConnectionStanding {
    /// - Parameters:
    ///   - connectJob: the newest.
    ///   - lastRun: the newest ended sync; one that came after a failed connect job outweighs it.
    init(_ connection: Connection, connectJob: SyncRun?, lastRun: SyncRun?) {
        switch connection.state {
        case .notConnected: self = .notConnected
        case .needsNewKey: self = .needsNewKey
        case .disabled: self = .disabled
        case .connected:
            if let connectJob, connectJob.state.isActive {
                self = .connecting
            } else if let connectJob, connectJob.state != .succeeded,
                lastRun.map({ $0.createdAt < connectJob.createdAt }) ?? true
            {
                self = .connectFailed(
                    connectJob.failure ?? RunFailure(code: "run.cancelled", message: "Connecting was stopped before it was done."))
            } else {
                self =
                    switch connection.reportedStatus {
                    case "pending": .pendingMapping
                    case "active": .active
                    case let status: .other(status: status ?? "unknown")
                    }
            }
        }
    }
}

extension IntegrationEnvironment {
    func enteredFields(_ credential: VendorCredential?) -> [EnteredField] {
        connector.fields.map { field in
            EnteredField(
                field: field,
                shownValue: field.isSecret ? nil : credential?.openFields[field.name] ?? field.defaultValue,
                isStored: credential != nil)
        }
    }

    /// What the sync `last` found not mapped. An account that Synthesize says is mapped, and whose count was still not taken, waits for
    /// its service.
    func notMapped(_ partner: PartnerID, in last: SyncRun?) async throws(StoreError) -> NotMappedList {
        let accounts = try await store.accounts(partner)
        var lines: [UsageLine] = []
        if let last, last.tally.notMapped > 0 {
            lines = try await store.lines(last.id, states: [.notMapped], after: nil, limit: 10_000)
        }
        return NotMappedList(accounts: accounts, lines: lines)
    }
}

extension NotMappedList {
    init(accounts: [Account], lines: [UsageLine]) {
        let mapped = Set(accounts.filter { $0.isMapped == true }.map(\.id))
        var listed: Set<String> = []
        var entries = accounts.filter { $0.isMapped == false && listed.insert($0.id).inserted }
            .map { Entry(id: $0.id, name: $0.name) }
        for line in lines where !mapped.contains(line.accountID) && listed.insert(line.accountID).inserted {
            entries.append(Entry(id: line.accountID, name: line.accountName))
        }
        var services: [Entry] = []
        var listedServices: Set<String> = []
        for line in lines where mapped.contains(line.accountID) && listedServices.insert(line.serviceID).inserted {
            services.append(Entry(id: line.serviceID, name: line.serviceName))
        }
        self.init(accounts: entries, services: services, counts: lines.count)
    }
}
