import Connectors
import Foundation
import Store
import Synthesize

extension RunDriver {
    func act(_ step: RunMachine.Step, _ work: inout Work) async throws(StepError) {
        switch step {
        case .verify: try await verify(&work)
        case .fetch: try await fetch(&work)
        case .accounts: try await settleAccounts(&work)
        case .services: try await settleServices(&work)
        case .setPending: try await setPending(&work)
        case .planUsage: try await planUsage(&work)
        case .planZeros: try await planZeros(&work)
        case .sendUsage: try await sendUsage(&work)
        case .confirm: try await confirm(&work)
        }
    }

    private func verify(_ work: inout Work) async throws(StepError) {
        let client = work.client
        let organization = try await StepError.synthesize { () async throws(SynthesizeError) in
            try await client.organization()
        }
        let partner = work.run.partnerID
        let known = try await StepError.store { () async throws(StoreError) in try await store.connection(partner) }
        if let expected = known.organizationID, expected != organization.organizationID {
            throw .failed(
                RunFailure(
                    code: "synthesize.otherOrganization",
                    message: "The key now opens another organization (\(organization.name)). Nothing was sent. Connect "
                        + "again to confirm the change."),
                refusesKey: false)
        }
        try await StepError.store { () async throws(StoreError) in
            try await environment.note(organization, of: partner)
        }
        if work.findings.statusBefore == nil { work.findings.statusBefore = organization.status.rawValue }
        work.statusRead = organization.status
    }

    private func fetch(_ work: inout Work) async throws(StepError) {
        guard let request = work.request else {
            throw .failed(.noVendorCredential, refusesKey: false)
        }
        // Services that only the data knows are read at once, so that they can be mapped before the first sync.
        if work.run.purpose == .connect, !environment.connector.discoversServices {
            let list = try await StepError.vendor { () async throws(ConnectorError) in
                try await environment.connector.fetchAccounts(request)
            }
            work.snapshot.accounts = list.accounts
            work.findings.recordsDropped = list.recordsDropped
        } else {
            work.snapshot = try await StepError.vendor { () async throws(ConnectorError) in
                try await environment.connector.fetchUsage(request)
            }
            work.findings.recordsDropped = work.snapshot.recordsDropped
        }
        work.findings.accountsRead = work.snapshot.accounts.count
        // What was handed in is read now, and may be large.
        work.request?.received = nil
    }

    // MARK: Accounts and services

    private func settleAccounts(_ work: inout Work) async throws(StepError) {
        let settler = CatalogueSettler(client: work.client, exclusions: environment.policy.exclusions)
        let partner = work.run.partnerID
        let existing = try await StepError.synthesize { () async throws(SynthesizeError) in try await settler.accounts() }
        try await noteLostMapping(existing, &work)
        let before = work
        let settled = try await StepError.synthesize { () async throws(SynthesizeError) in
            try await settler.settleAccounts(work.snapshot.accounts, existing: existing) { created, updated in
                await noteProgress(before, created: created, updated: updated)
            }
        }
        // Added, because a run that goes on after a crash may have been here before.
        work.findings.accountsCreated += settled.created
        work.findings.accountsUpdated += settled.updated
        work.findings.accountsRefused = settled.refused
        let now = environment.time.now()
        let (run, findings) = (work.run.id, work.findings)
        try await StepError.store { () async throws(StoreError) in
            try await store.replaceAccounts(
                partner, settled.after.map { Account($0, of: partner, lastSeenAt: now) })
            try await store.updateRun(run) { $0.findings = findings }
        }
    }

    /// Written down as it grows, so that a run that died among many accounts is known to have got further than the last time.
    private func noteProgress(_ work: Work, created: Int, updated: Int) async {
        do throws(StoreError) {
            try await store.updateRun(work.run.id) { run in
                run.findings.accountsCreated = work.findings.accountsCreated + created
                run.findings.accountsUpdated = work.findings.accountsUpdated + updated
            }
        } catch {
            // What was found is written again at the end of the stage, which fails if this trouble lasts.
            environment.logger.warning(
                "progress could not be written", metadata: ["run": "\(work.run.id)", "error": "\(error)"])
        }
    }

    /// Nothing can delete an account through the API, so one that is gone means that the partner disconnected in Synthesize, which
    /// deletes accounts and mappings alike (contract 7.2). Written down before they are made again: after a crash they would be there.
    private func noteLostMapping(_ existing: [MappingEntry], _ work: inout Work) async throws(StepError) {
        let (run, partner, now) = (work.run.id, work.run.partnerID, environment.time.now())
        let remembered = try await StepError.store { () async throws(StoreError) in try await store.accounts(partner) }
        let present = Set(existing.map(\.id))
        guard remembered.contains(where: { !present.contains($0.id) }) else { return }
        work.findings.mappingLost = true
        let findings = work.findings
        try await StepError.store { () async throws(StoreError) in
            try await store.updateConnection(partner) { $0.mappingLostAt = now }
            try await store.updateRun(run) { $0.findings = findings }
        }
    }

    private func settleServices(_ work: inout Work) async throws(StepError) {
        if try await settleServices(&work, mayChange: false) { return }
        // Looks again: whoever had the place before may have made them.
        try await inPlace(places.services) { () async throws(StepError) in try await settleServices(&work, mayChange: true) }
    }

    private func inPlace<Value>(_ places: RunPlaces, _ body: () async throws(StepError) -> Value) async throws(StepError) -> Value {
        guard await places.take(control) else { throw .interrupted }
        let result: Result<Value, StepError>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        await places.give()
        return try result.get()
    }

    /// - Returns: false when something is to be changed and it is not this run's turn.
    @discardableResult
    private func settleServices(_ work: inout Work, mayChange: Bool) async throws(StepError) -> Bool {
        let settler = CatalogueSettler(client: work.client, exclusions: environment.policy.exclusions)
        let existing = try await StepError.synthesize { () async throws(SynthesizeError) in try await settler.services() }
        let known = try await StepError.store { () async throws(StoreError) in try await store.services() }
        let overridden = Set(known.filter(\.isOverridden).map(\.id))
        let catalogueNames = Dictionary(
            known.compactMap { service in service.catalogueName.map { (service.id, $0) } }, uniquingKeysWith: { first, _ in first })
        work.renamedServices = Dictionary(
            catalogueNames.map { ($0.value.lowercased(), $0.key) }, uniquingKeysWith: { first, _ in first })
        let plan: ServicePlan
        do throws(IntegrationError) {
            plan = try settler.plan(
                environment.connector.services + work.snapshot.discovered, existing: existing, overridden: overridden,
                renamed: work.renamedServices)
        } catch {
            throw .failed(RunFailure(error), refusesKey: false)
        }
        guard mayChange || plan.isEmpty else { return false }
        let settled = try await StepError.synthesize { () async throws(SynthesizeError) in
            try await settler.settleServices(plan, existing: existing)
        }
        work.findings.servicesCreated += settled.created
        work.findings.servicesUpdated += settled.updated
        work.services = settled.after
        let now = environment.time.now()
        let (run, findings) = (work.run.id, work.findings)
        try await StepError.store { () async throws(StoreError) in
            try await store.saveServices(
                settled.after.map {
                    Service(
                        $0, isOverridden: overridden.contains($0.id), catalogueName: catalogueNames[$0.id], lastSeenAt: now)
                })
            try await store.updateRun(run) { $0.findings = findings }
        }
        return true
    }

    // MARK: Status

    /// Lights up Next in Synthesize; only from a status that waits for it, never from `active` (U-4).
    private func setPending(_ work: inout Work) async throws(StepError) {
        let waiting: Set<IntegrationStatus> = [.inactive, .disabled, .error]
        if let status = work.statusRead, waiting.contains(status) {
            let client = work.client
            try await StepError.synthesize { () async throws(SynthesizeError) in
                try await client.updateStatus(.pending)
            }
        }
        try await readStatusAfter(&work)
    }

    /// What the integration has become. That the counts arrived is known without it, so only a refused key matters. One that was
    /// active is so still: only somebody else's hand changes that (U-4), which the next run sees.
    private func confirm(_ work: inout Work) async throws(StepError) {
        if work.statusRead == .active {
            work.findings.statusAfter = IntegrationStatus.active.rawValue
        } else {
            do throws(StepError) {
                try await readStatusAfter(&work)
            } catch {
                if case .failed(_, refusesKey: false) = error { return }
                throw error
            }
        }
        let run = work.run.id
        let partner = work.run.partnerID
        try await StepError.store { () async throws(StoreError) in
            if try await store.tally(run).accepted > 0 {
                try await store.updateConnection(partner) { $0.mappingLostAt = nil }
            }
        }
    }

    private func readStatusAfter(_ work: inout Work) async throws(StepError) {
        let (client, partner) = (work.client, work.run.partnerID)
        let organization = try await StepError.synthesize { () async throws(SynthesizeError) in
            try await client.organization()
        }
        try await StepError.store { () async throws(StoreError) in try await environment.note(organization, of: partner) }
        work.findings.statusAfter = organization.status.rawValue
    }

    // MARK: Usage

    /// 1 MB of them.
    private static let lastCountsAtOnce = 2_000

    private func planUsage(_ work: inout Work) async throws(StepError) {
        let partner = work.run.partnerID
        let listed = try await StepError.store { () async throws(StoreError) in try await environment.droppedToZero(partner) }
        var draft = UsagePlanDraft(
            run: work.run.id, snapshot: work.snapshot,
            serviceIDs: ServicePlan.byCatalogueName(work.services, renamed: work.renamedServices).mapValues(\.id),
            bases: UsagePlan.bases(of: environment.connector, work.snapshot.discovered),
            listedBefore: Set(listed.map(UsagePlan.Pair.init)), exclusions: environment.policy.exclusions)
        var page: [LastCount] = []
        repeat {
            let last = page.last
            page = try await StepError.store { () async throws(StoreError) in
                try await store.lastCounts(partner, after: last, limit: Self.lastCountsAtOnce)
            }
            draft.compare(page)
        } while page.count == Self.lastCountsAtOnce
        let plan = draft.finished(environment.policy.zeroCounts)
        work.findings.recordsDropped = work.snapshot.recordsDropped + plan.recordsDropped
        if !work.findings.dropAllowed, let hold = plan.hold(environment.policy) { throw .held(hold) }
        try await writeLedger(plan.lines, &work)
    }

    private func planZeros(_ work: inout Work) async throws(StepError) {
        let partner = work.run.partnerID
        let dropped = try await StepError.store { () async throws(StoreError) in
            try await environment.droppedToZero(partner)
        }
        let run = work.run.id
        let lines = dropped.enumerated().map { position, line in
            UsageLine(
                runID: run, position: position, accountID: line.accountID, accountName: line.accountName,
                serviceID: line.serviceID, serviceName: line.serviceName, basis: line.basis, rawCount: line.rawCount,
                sentCount: 0, state: .planned)
        }
        try await writeLedger(lines, &work)
    }

    private func writeLedger(_ lines: some Sequence<UsageLine> & Sendable, _ work: inout Work) async throws(StepError) {
        let (run, findings, usage) = (work.run.id, work.findings, work.snapshot.handedIn.map(TakenUsage.init))
        // The lines last: the step is done with them, and a second set of lines would be refused.
        work.run = try await StepError.store { () async throws(StoreError) in
            let run = try await store.updateRun(run) {
                $0.findings = findings
                $0.usage = usage
            }
            try await store.planLines(run.id, lines)
            return run
        }
        work.run.stage = .usage
        // Everything is on disk now; a big snapshot need not stay in memory while it is sent. Not before: trouble with the disk has the
        // step done again.
        work.snapshot = VendorSnapshot(accounts: [], usage: [], recordsDropped: 0)
    }

    private func sendUsage(_ work: inout Work) async throws(StepError) {
        let run = work.run
        let ending = try await inPlace(places.sending) { () async throws(StepError) in try await send(run, work.client) }
        switch ending {
        case .done: return
        case .stopped(let failure, let needsNewKey): throw .failed(failure, refusesKey: needsNewKey)
        case .interrupted: throw .interrupted
        }
    }

    private func send(_ run: SyncRun, _ client: SynthesizeClient) async throws(StepError) -> LineSender.Ending {
        var sender = LineSender(
            run: run, client: client, control: control, environment: environment, board: board)
        do throws(StoreError) {
            try await store.reopenLines(run.id)
            return try await sender.send()
        } catch {
            throw StepError(error)
        }
    }
}

extension IntegrationEnvironment {
    /// Lines of the last finished sync listed as dropped to zero whose old count still stands in Synthesize.
    func droppedToZero(_ partner: PartnerID) async throws(StoreError) -> [UsageLine] {
        try await droppedToZero(partner, in: lastEndedRun(partner))
    }

    func droppedToZero(_ partner: PartnerID, in last: SyncRun?) async throws(StoreError) -> [UsageLine] {
        guard let last, last.tally.droppedToZero > 0 else { return [] }
        let dropped = try await store.lines(last.id, states: [.droppedToZero], after: nil, limit: 10_000)
        let standing = Set(
            try await store.lastCounts(partner).filter { $0.count > 0 }
                .map { UsagePlan.Pair(accountID: $0.accountID, serviceID: $0.serviceID) })
        return dropped.filter { standing.contains(UsagePlan.Pair($0)) }
    }

    /// The newest sync that is over and came as far as its ledger.
    func lastEndedRun(_ partner: PartnerID) async throws(StoreError) -> SyncRun? {
        try await store.runs(partner, purposes: [.usage], before: nil, limit: 10)
            .first { !$0.state.isActive && $0.stage >= .usage }
    }
}

extension Service {
    init(_ service: VendorService, isOverridden: Bool, catalogueName: String?, lastSeenAt: Date) {
        self.init(
            id: service.id, name: service.name, description: service.description, category: service.category,
            subcategory: service.subcategory, isOverridden: isOverridden,
            catalogueName: catalogueName, lastSeenAt: lastSeenAt)
    }
}

extension Account {
    init(_ entry: MappingEntry, of partner: PartnerID, lastSeenAt: Date) {
        self.init(partnerID: partner, id: entry.id, name: entry.name, isMapped: entry.isMapped, lastSeenAt: lastSeenAt)
    }
}
