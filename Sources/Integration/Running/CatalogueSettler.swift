import Connectors
import Store
import Synthesize

/// Brings accounts and services in Synthesize up to what the vendor has, without those that an operator keeps out. Inserts are never repeated blindly: where an answer leaves
/// doubt, the list is read again before anything is sent once more (reliability section 1).
struct CatalogueSettler: Sendable {
    let client: SynthesizeClient
    let exclusions: Exclusions

    struct Accounts: Sendable {
        var after: [MappingEntry]
        var created: Int
        var updated: Int
        /// Those that Synthesize will not take as they are. The others do not wait for them.
        var refused: [RefusedAccount]
    }

    struct Services: Sendable {
        var after: [VendorService]
        var created: Int
        var updated: Int
    }

    /// A1's accounts.
    func accounts() async throws(SynthesizeError) -> [MappingEntry] {
        try await client.accounts()
    }

    /// A2 for the missing and A3 for the renamed; `existing` was read just now.
    /// - Parameter progress: told how many were created and renamed so far, after every hundred or so.
    func settleAccounts(
        _ vendor: [VendorAccount], existing: [MappingEntry],
        progress: @Sendable (_ created: Int, _ updated: Int) async -> Void = { _, _ in }
    ) async throws(SynthesizeError) -> Accounts {
        let plan = AccountPlan(vendor: exclusions.kept(vendor), existing: existing)
        var refused: [RefusedAccount] = []
        var sent = 0
        for chunk in plan.chunks {
            refused += try await create(chunk)
            sent += chunk.count
            await progress(sent - refused.count, 0)
        }
        let notCreated = refused.count
        for (index, draft) in plan.rename.enumerated() {
            if index > 0, index.isMultiple(of: AccountPlan.chunkSize) {
                await progress(plan.create.count - notCreated, index - (refused.count - notCreated))
            }
            do {
                try await client.updateAccount(draft.id, MappingEntryChanges(name: draft.name))
            } catch {
                guard error.code == .rejected else { throw error }
                refused.append(RefusedAccount(draft, error))
            }
        }
        let isChanged = !plan.create.isEmpty || !plan.rename.isEmpty
        return Accounts(
            after: isChanged ? try await accounts() : existing, created: plan.create.count - notCreated,
            updated: plan.rename.count - (refused.count - notCreated), refused: refused)
    }

    /// Creates accounts in bulk. After a doubtful answer, and after a refusal, which may be for one of them only, those that are
    /// missing are sent one by one (U-6).
    /// - Returns: those that were refused by themselves.
    /// - Throws: the refusal too, when all of several were refused: then it is not about one account.
    private func create(_ drafts: [MappingEntryDraft]) async throws(SynthesizeError) -> [RefusedAccount] {
        do {
            try await client.createAccounts(drafts)
            return []
        } catch {
            guard error.leavesInsertInDoubt || error.code == .rejected else { throw error }
        }
        var present = try await accountIDs()
        var refused: [RefusedAccount] = []
        var lastRefusal: SynthesizeError?
        for draft in drafts where !present.contains(draft.id) {
            do {
                try await client.createAccounts([draft])
            } catch  where error.code == .rejected {
                refused.append(RefusedAccount(draft, error))
                lastRefusal = error
            } catch {
                guard error.leavesInsertInDoubt else { throw error }
                present = try await accountIDs()
                guard present.contains(draft.id) else { throw error }
            }
        }
        if let lastRefusal, drafts.count > 1, refused.count == drafts.count { throw lastRefusal }
        return refused
    }

    private func accountIDs() async throws(SynthesizeError) -> Set<String> {
        Set(try await accounts().map(\.id))
    }

    /// V1's services.
    func services() async throws(SynthesizeError) -> [VendorService] {
        try await client.vendor().services
    }

    /// What there is to do for a catalogue; `existing` was read just now.
    /// - Throws: `invalidInput` when the catalogue names a category that Gradient does not know.
    func plan(
        _ catalogue: [CatalogueService], existing: [VendorService], overridden: Set<String> = [], renamed: [String: String] = [:]
    ) throws(IntegrationError) -> ServicePlan {
        try ServicePlan(catalogue: exclusions.kept(catalogue), existing: existing, overridden: overridden, renamed: renamed)
    }

    /// S1 for the missing and S3 for the changed; `plan` was made from `existing`.
    func settleServices(_ plan: ServicePlan, existing: [VendorService]) async throws(SynthesizeError) -> Services {
        for draft in plan.create { try await create(draft) }
        for update in plan.update { try await client.updateService(update.id, update.changes) }
        let isChanged = !plan.create.isEmpty || !plan.update.isEmpty
        return Services(
            after: isChanged ? try await services() : existing, created: plan.create.count, updated: plan.update.count)
    }

    private func create(_ draft: ServiceDraft) async throws(SynthesizeError) {
        for mayTryAgain in [true, false] {
            do {
                _ = try await client.createService(draft)
                return
            } catch {
                guard error.leavesInsertInDoubt else { throw error }
                if ServicePlan.byName(try await services())[draft.name.lowercased()] != nil { return }
                if !mayTryAgain { throw error }
            }
        }
    }
}

extension SynthesizeError {
    /// Whether an insert may have happened although no clean success was seen.
    var leavesInsertInDoubt: Bool {
        switch code {
        case .conflict, .answerLost, .answerUnreadable, .serverFailed: true
        default: false
        }
    }
}

extension RefusedAccount {
    fileprivate init(_ draft: MappingEntryDraft, _ error: SynthesizeError) {
        self.init(id: draft.id, name: draft.name, message: error.message)
    }
}
