import Connectors
import Store

extension IntegrationEnvironment {
    /// What the connector is asked with for a partner; where usage is handed in, with the newest.
    /// - Throws: `notFound` for an unknown partner; `secrets` when its reference at the vendor is not the one that Perch wrote: another
    ///   partner's usage would come by it.
    func fetchRequest(of partner: PartnerID, _ credential: ConnectorCredential) async throws(IntegrationError) -> FetchRequest {
        let known = try await stored { () async throws(StoreError) in try await store.partner(partner) }
        guard let known else { throw IntegrationError(code: .notFound, message: "There is no such partner.") }
        try known.requireProof(keyRing)
        var request = FetchRequest(credential: credential, partner: known.vendorReference)
        if connector.intake != nil {
            let newest = try await stored { () async throws(StoreError) in try await store.newestContent(partner) }
            request.received = newest.map {
                ReceivedUsage(form: $0.delivery.channel.form, bytes: $0.content, receivedAt: $0.delivery.receivedAt)
            }
        }
        return request
    }
}

extension UsageChannel {
    /// How the content of such a delivery is written.
    var form: ReceivedUsage.Form {
        switch self {
        case .push: .snapshot
        case .upload: .file
        }
    }
}
