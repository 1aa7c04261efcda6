import Store

extension IntegrationEnvironment {
    /// A change that Perch makes by itself: the first change in the body and its entry in the audit trail, by the actor `perch`, are one
    /// transaction.
    func auditedAsOwn<Value>(
        _ action: String, _ partner: PartnerID?, _ details: String, _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        try await store.audited(
            AuditEntry(at: time.now(), actor: "perch", action: action, partnerID: partner, address: nil, details: details), body)
    }
}
