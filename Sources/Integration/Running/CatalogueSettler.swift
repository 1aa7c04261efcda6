import Connectors
import Synthesize

/// Brings accounts and services in Synthesize up to what the vendor has. Inserts are never repeated blindly: where an answer leaves
/// doubt, the list is read again before anything is sent once more (reliability section 1).
struct CatalogueSettler: Sendable {
    let client: SynthesizeClient

    struct Accounts: Sendable {
        var after: [MappingEntry]
        var created: Int
        var updated: Int
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
    func settleAccounts(
        _ vendor: [VendorAccount], existing: [MappingEntry]
    ) async throws(SynthesizeError) -> Accounts {
        let plan = AccountPlan(vendor: vendor, existing: existing)
        for chunk in plan.chunks { try await create(chunk) }
        for draft in plan.rename { try await client.updateAccount(draft.id, MappingEntryChanges(name: draft.name)) }
        let isChanged = !plan.create.isEmpty || !plan.rename.isEmpty
        return Accounts(
            after: isChanged ? try await accounts() : existing, created: plan.create.count, updated: plan.rename.count)
    }

    /// Creates accounts in bulk; after a doubtful answer, one by one those that are missing (U-6).
    private func create(_ drafts: [MappingEntryDraft]) async throws(SynthesizeError) {
        do {
            try await client.createAccounts(drafts)
            return
        } catch {
            guard error.leavesInsertInDoubt else { throw error }
        }
        var present = try await accountIDs()
        for draft in drafts where !present.contains(draft.id) {
            do {
                try await client.createAccounts([draft])
            } catch {
                guard error.leavesInsertInDoubt else { throw error }
                present = try await accountIDs()
                guard present.contains(draft.id) else { throw error }
            }
        }
    }

    private func accountIDs() async throws(SynthesizeError) -> Set<String> {
        Set(try await accounts().map(\.id))
    }

    /// V1's services.
    func services() async throws(SynthesizeError) -> [VendorService] {
        try await client.vendor().services
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
