import HTTPClient

/// Accounts (A1 to A3) and organisation-level services (D1 to D3): twin calls of one shape.
extension SynthesizeClient {
    /// A1: the accounts that Synthesize holds for this partner, whole (U-39).
    /// - Parameters:
    ///   - ids: only these; all when empty.
    ///   - returnsUnmapped: false asks for the mapped ones only; older servers ignore it.
    public func accounts(ids: [String] = [], returnsUnmapped: Bool = true) async throws(SynthesizeError) -> [MappingEntry] {
        try await entries("A1", "/organization/accounts", idsName: "accountIds", ids, returnsUnmapped)
    }

    /// A2: creates accounts, always as an array (U-5). Not repeated blindly: after `conflict` or a lost answer
    /// read A1 again (U-6).
    @discardableResult
    public func createAccounts(_ drafts: [MappingEntryDraft]) async throws(SynthesizeError) -> [MappingEntry] {
        try await createEntries("A2", "/organization/accounts", drafts)
    }

    /// A3: changes an account; used for renames and corrections.
    @discardableResult
    public func updateAccount(_ id: String, _ changes: MappingEntryChanges) async throws(SynthesizeError) -> MappingEntry? {
        try await updateEntry("A3", "/organization/accounts/", id, changes)
    }

    /// D1: organisation-level services.
    public func organizationServices(
        ids: [String] = [], returnsUnmapped: Bool = true
    ) async throws(SynthesizeError) -> [MappingEntry] {
        try await entries("D1", "/organization/services", idsName: "serviceIds", ids, returnsUnmapped)
    }

    /// D2: creates organisation-level services; 409 where an id exists.
    @discardableResult
    public func createOrganizationServices(_ drafts: [MappingEntryDraft]) async throws(SynthesizeError) -> [MappingEntry] {
        try await createEntries("D2", "/organization/services", drafts)
    }

    /// D3: changes an organisation-level service.
    @discardableResult
    public func updateOrganizationService(
        _ id: String, _ changes: MappingEntryChanges
    ) async throws(SynthesizeError) -> MappingEntry? {
        try await updateEntry("D3", "/organization/services/", id, changes)
    }

    private func entries(
        _ call: String, _ path: String, idsName: String, _ ids: [String], _ returnsUnmapped: Bool
    ) async throws(SynthesizeError) -> [MappingEntry] {
        var query = ids.map { "\(idsName)[]=" + PercentEncoding.queryComponent($0) }
        if !returnsUnmapped { query.append("returnUnmapped=false") }
        let path = path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
        return try await read([Readable<MappingEntry>].self, call, path).compactMap(\.value)
    }

    private func createEntries(
        _ call: String, _ path: String, _ drafts: [MappingEntryDraft]
    ) async throws(SynthesizeError) -> [MappingEntry] {
        guard drafts.allSatisfy({ !$0.id.isEmpty }) else { throw .emptyID(call) }
        let body = try Self.encode(drafts, call)
        return try await perform(call, .post, path, body: body, repeating: .whenWithoutEffect) {
            answer throws(SynthesizeError) in
            try Self.decode([Readable<MappingEntry>].self, call, answer).compactMap(\.value)
        }
    }

    /// Nil when the answer does not show the entry; any 2xx is success.
    private func updateEntry(
        _ call: String, _ prefix: String, _ id: String, _ changes: MappingEntryChanges
    ) async throws(SynthesizeError) -> MappingEntry? {
        guard !changes.isEmpty else { throw .nothingToChange(call) }
        let path = try Self.path(call, prefix, id)
        let body = try Self.encode(changes, call)
        return try await perform(call, .patch, path, body: body, repeating: .always) { answer in
            do { return try Self.decode(MappingEntry.self, call, answer) } catch { return nil }
        }
    }
}
