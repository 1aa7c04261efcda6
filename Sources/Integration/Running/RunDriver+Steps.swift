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
        guard let credential = work.credential else {
            throw .failed(
                RunFailure(
                    code: "vendor.noCredential",
                    message: "The vendor's credentials are missing. Enter them on the page and connect again."),
                refusesKey: false)
        }
        if work.run.purpose == .connect {
            let list = try await StepError.vendor { () async throws(ConnectorError) in
                try await environment.connector.fetchAccounts(credential)
            }
            work.snapshot.accounts = list.accounts
            work.findings.recordsDropped = list.recordsDropped
        } else {
            work.snapshot = try await StepError.vendor { () async throws(ConnectorError) in
                try await environment.connector.fetchUsage(credential)
            }
            work.findings.recordsDropped = work.snapshot.recordsDropped
        }
        work.findings.accountsRead = work.snapshot.accounts.count
    }

    // MARK: Accounts

    private func settleAccounts(_ work: inout Work) async throws(StepError) {
        let (client, partner) = (work.client, work.run.partnerID)
        let remembered = try await StepError.store { () async throws(StoreError) in try await store.accounts(partner) }
        var entries = try await StepError.synthesize { () async throws(SynthesizeError) in try await client.accounts() }
        noteLostMapping(remembered: remembered, entries, &work)

        let plan = AccountPlan(vendor: work.snapshot.accounts, existing: entries)
        for chunk in plan.chunks {
            work.findings.accountsCreated += try await create(chunk, with: client)
        }
        for draft in plan.rename {
            try await StepError.synthesize { () async throws(SynthesizeError) in
                try await client.updateAccount(draft.id, MappingEntryChanges(name: draft.name))
            }
            work.findings.accountsUpdated += 1
        }
        if !plan.create.isEmpty || !plan.rename.isEmpty {
            entries = try await StepError.synthesize { () async throws(SynthesizeError) in try await client.accounts() }
        }
        let now = environment.time.now()
        let accounts = entries.map {
            Account(partnerID: partner, id: $0.id, name: $0.name, isMapped: $0.isMapped, lastSeenAt: now)
        }
        let (isLost, findings) = (work.findings.mappingLost, work.findings)
        try await StepError.store { () async throws(StoreError) in
            if isLost { try await store.updateConnection(partner) { $0.mappingLostAt = now } }
            try await store.replaceAccounts(partner, accounts)
            try await store.updateRun(work.run.id) { $0.findings = findings }
        }
    }

    /// Nothing can delete an account through the API, so one that is gone means that the partner disconnected in Synthesize, which
    /// deletes accounts and mappings alike (contract 7.2).
    private func noteLostMapping(remembered: [Account], _ entries: [MappingEntry], _ work: inout Work) {
        let present = Set(entries.map(\.id))
        if remembered.contains(where: { !present.contains($0.id) }) { work.findings.mappingLost = true }
    }

    /// Creates accounts in bulk. Where the answer leaves doubt, the list is read again and only what is missing is
    /// sent, one by one (U-6).
    /// - Returns: how many came to be.
    private func create(_ drafts: [MappingEntryDraft], with client: SynthesizeClient) async throws(StepError) -> Int {
        do throws(SynthesizeError) {
            try await client.createAccounts(drafts)
            return drafts.count
        } catch {
            guard error.leavesInsertInDoubt else { throw StepError(error) }
        }
        var present = try await presentAccounts(client)
        for draft in drafts where !present.contains(draft.id) {
            do throws(SynthesizeError) {
                try await client.createAccounts([draft])
            } catch {
                guard error.leavesInsertInDoubt else { throw StepError(error) }
                present = try await presentAccounts(client)
                guard present.contains(draft.id) else { throw StepError(error) }
            }
        }
        return drafts.count
    }

    private func presentAccounts(_ client: SynthesizeClient) async throws(StepError) -> Set<String> {
        Set(
            try await StepError.synthesize { () async throws(SynthesizeError) in try await client.accounts() }
                .map(\.id))
    }

    // MARK: Services

    private func settleServices(_ work: inout Work) async throws(StepError) {
        let client = work.client
        var services = try await StepError.synthesize { () async throws(SynthesizeError) in
            try await client.vendor().services
        }
        let overridden = try await overriddenServices()
        let plan: ServicePlan
        do throws(IntegrationError) {
            plan = try ServicePlan(
                catalogue: environment.connector.services, existing: services, overridden: overridden)
        } catch {
            throw .failed(RunFailure(error), refusesKey: false)
        }
        for draft in plan.create {
            try await create(draft, with: client)
            work.findings.servicesCreated += 1
        }
        for update in plan.update {
            try await StepError.synthesize { () async throws(SynthesizeError) in
                try await client.updateService(update.id, update.changes)
            }
            work.findings.servicesUpdated += 1
        }
        if !plan.create.isEmpty || !plan.update.isEmpty {
            services = try await StepError.synthesize { () async throws(SynthesizeError) in
                try await client.vendor().services
            }
        }
        work.services = services
        let now = environment.time.now()
        let (records, findings) = (
            services.map { Service($0, isOverridden: overridden.contains($0.id), lastSeenAt: now) }, work.findings
        )
        try await StepError.store { () async throws(StoreError) in
            try await store.saveServices(records)
            try await store.updateRun(work.run.id) { $0.findings = findings }
        }
    }

    private func overriddenServices() async throws(StepError) -> Set<String> {
        let known = try await StepError.store { () async throws(StoreError) in try await store.services() }
        return Set(known.filter(\.isOverridden).map(\.id))
    }

    /// Creates one service. Where the answer leaves doubt, the vendor is read again before anything is repeated (U-37).
    private func create(_ draft: ServiceDraft, with client: SynthesizeClient) async throws(StepError) {
        for mayTryAgain in [true, false] {
            do throws(SynthesizeError) {
                _ = try await client.createService(draft)
                return
            } catch {
                guard error.leavesInsertInDoubt else { throw StepError(error) }
                let services = try await StepError.synthesize { () async throws(SynthesizeError) in
                    try await client.vendor().services
                }
                if ServicePlan.byName(services)[draft.name.lowercased()] != nil { return }
                if !mayTryAgain { throw StepError(error) }
            }
        }
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

    /// What the integration has become. That the counts arrived is known without it, so only a refused key matters.
    private func confirm(_ work: inout Work) async throws(StepError) {
        do throws(StepError) {
            try await readStatusAfter(&work)
        } catch {
            if case .failed(_, refusesKey: false) = error { return }
            throw error
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

    private func planUsage(_ work: inout Work) async throws(StepError) {
        let partner = work.run.partnerID
        let last = try await StepError.store { () async throws(StoreError) in try await store.lastCounts(partner) }
        let plan = UsagePlan(
            run: work.run.id, snapshot: work.snapshot, serviceIDs: ServicePlan.byName(work.services).mapValues(\.id),
            lastCounts: last, zeroCounts: environment.policy.zeroCounts)
        work.findings.recordsDropped += plan.recordsDropped
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
                serviceID: line.serviceID, serviceName: line.serviceName, rawCount: line.rawCount, sentCount: 0,
                state: .planned)
        }
        try await writeLedger(lines, &work)
    }

    private func writeLedger(_ lines: [UsageLine], _ work: inout Work) async throws(StepError) {
        let (run, findings) = (work.run.id, work.findings)
        work.run = try await StepError.store { () async throws(StoreError) in
            try await store.planLines(run, lines)
            return try await store.updateRun(run) { $0.findings = findings }
        }
        // Everything is on disk now; a big snapshot need not stay in memory while it is sent.
        work.snapshot = VendorSnapshot(accounts: [], usage: [], recordsDropped: 0)
    }

    private func sendUsage(_ work: inout Work) async throws(StepError) {
        let run = work.run
        var sender = LineSender(
            run: run, client: work.client, control: control, environment: environment, board: board)
        let ending: LineSender.Ending
        do throws(StoreError) {
            try await store.reopenLines(run.id)
            ending = try await sender.send()
        } catch {
            throw StepError(error)
        }
        switch ending {
        case .done: return
        case .stopped(let failure, let needsNewKey): throw .failed(failure, refusesKey: needsNewKey)
        case .interrupted: throw .interrupted
        }
    }
}

extension IntegrationEnvironment {
    /// Lines of the last finished sync listed as dropped to zero whose old count still stands in Synthesize.
    func droppedToZero(_ partner: PartnerID) async throws(StoreError) -> [UsageLine] {
        guard let last = try await lastEndedRun(partner) else { return [] }
        let standing = Set(
            try await store.lastCounts(partner).filter { $0.count > 0 }
                .map { UsagePlan.Pair(accountID: $0.accountID, serviceID: $0.serviceID) })
        return try await store.lines(last.id, states: [.droppedToZero], after: nil, limit: 10_000)
            .filter { standing.contains(UsagePlan.Pair(accountID: $0.accountID, serviceID: $0.serviceID)) }
    }

    /// The newest sync that is over and came as far as its ledger.
    func lastEndedRun(_ partner: PartnerID) async throws(StoreError) -> SyncRun? {
        try await store.runs(partner, purposes: [.usage], before: nil, limit: 10)
            .first { !$0.state.isActive && $0.stage >= .usage }
    }
}

extension Service {
    init(_ service: VendorService, isOverridden: Bool, lastSeenAt: Date) {
        self.init(
            id: service.id, name: service.name, description: service.description, category: service.category,
            subcategory: service.subcategory, isOverridden: isOverridden, lastSeenAt: lastSeenAt)
    }
}

extension SynthesizeError {
    /// Whether an insert may have happened although no clean success was seen: list before any repetition
    /// (reliability section 1).
    var leavesInsertInDoubt: Bool {
        switch code {
        case .conflict, .answerLost, .answerUnreadable, .serverFailed: true
        default: false
        }
    }
}
