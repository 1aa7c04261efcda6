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
                ReceivedUsage(
                    form: $0.delivery.channel.form, bytes: $0.content, name: $0.delivery.id.rawValue,
                    receivedAt: $0.delivery.receivedAt)
            }
            request.taken = try await stored { () async throws(StoreError) in try await store.lastTakenUsage(partner) }
                .map(HandedInUsage.init)
        }
        return request
    }
}

extension HandedInUsage {
    init(_ taken: TakenUsage) {
        let kind: Kind =
            switch taken.origin {
            case .push: .push
            case .upload: .upload
            case .file: .file
            }
        self.init(kind: kind, name: taken.name, countsFrom: taken.countsFrom)
    }

    init(_ delivery: UsageDelivery) {
        self.init(
            kind: delivery.channel == .push ? .push : .upload, name: delivery.id.rawValue, countsFrom: delivery.receivedAt)
    }
}

extension TakenUsage {
    init(_ usage: HandedInUsage) {
        let origin: Origin =
            switch usage.kind {
            case .push: .push
            case .upload: .upload
            case .file: .file
            }
        self.init(origin: origin, name: usage.name, countsFrom: usage.countsFrom)
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
