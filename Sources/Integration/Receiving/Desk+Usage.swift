import Connectors
import Foundation
import HTTPClient
import Secrets
import Store

/// What has been handed in for a partner, as an operator sees it.
public struct UsageOverview: Sendable {
    /// Most bytes of one snapshot or file.
    public var limit: Int
    public var maximumAge: Duration
    public var newest: UsageDelivery?
    /// The name of the partner's file in the watched folder; nil when none is watched.
    public var fileName: String?
}

extension Desk {
    /// How usage is handed in.
    /// - Throws: `conflict` when the connector asks its vendor instead.
    public func usageIntake() throws(IntegrationError) -> UsageIntake {
        guard let intake = environment.connector.intake else {
            throw IntegrationError(
                code: .conflict,
                message: "Usage comes from \(productName)'s API here, so none can be handed in. A file of kind usage in PERCH_CONNECTOR "
                    + "changes that.")
        }
        return intake
    }

    /// Nil when the connector asks its vendor.
    public func usageOverview(_ partner: PartnerID) async throws(IntegrationError) -> UsageOverview? {
        guard let intake = environment.connector.intake else { return nil }
        let known = try await self.partner(partner)
        let newest = try await remember { store throws(StoreError) in try await store.newestDelivery(partner) }
        return UsageOverview(
            limit: intake.limit, maximumAge: intake.maximumAge, newest: newest,
            fileName: intake.folder == nil ? nil : intake.fileName(of: known.vendorReference))
    }

    /// - Throws: `notFound` when nothing was handed in yet.
    public func newestUsage(_ partner: PartnerID) async throws(IntegrationError) -> UsageDelivery {
        _ = try usageIntake()
        let known = try await self.partner(partner)
        guard let newest = try await remember({ store throws(StoreError) in try await store.newestDelivery(known.id) }) else {
            throw IntegrationError(code: .notFound, message: "No usage was handed in for this partner yet.")
        }
        return newest
    }

    /// Takes a whole snapshot: checked to its last line, kept, and synced. Sent again under its key it is the same delivery.
    ///
    /// Where a sync is under way, or the partner is not connected, it is kept and the next sync takes it; ``FreshUsage`` starts that
    /// one as soon as it can.
    /// - Parameter key: at most 255 visible characters of ASCII; needed for a push.
    /// - Throws: `invalidInput` naming line or field, nothing being kept; `keyReused` for another content under a known key; `conflict`.
    public func receiveUsage(
        _ partner: PartnerID, _ channel: UsageChannel, key: String?, _ content: [UInt8], by initiator: Initiator
    ) async throws(IntegrationError) -> UsageDelivery {
        let intake = try usageIntake()
        let known = try await self.partner(partner)
        let key = try Self.checked(key, channel)
        let hash = ContentHash.sha256(content)
        if let key, let before = try await remember({ store throws(StoreError) in try await store.delivery(partner, key: key) }) {
            return try before.repeated(as: channel, hash)
        }
        let snapshot: VendorSnapshot
        do {
            snapshot = try intake.snapshot(channel.form, content)
        } catch {
            throw IntegrationError(code: .invalidInput, message: error.message, field: error.field)
        }
        for account in snapshot.accounts {
            for (text, label) in [(account.id, "id"), (account.name, "name")] {
                guard let problem = text.showingProblem() else { continue }
                throw IntegrationError(
                    code: .invalidInput, message: "The \(label) '\(text.showable.prefix(100))' of an account \(problem) Nothing was kept.")
            }
        }
        let now = environment.time.now()
        let delivery = UsageDelivery(
            id: UsageDeliveryID(environment.random.identifier(prefix: "use_")), partnerID: known.id, channel: channel, key: key,
            sha256: hash, size: content.count, accounts: snapshot.accounts.count, counts: snapshot.usage.count, receivedAt: now,
            receivedFrom: initiator.startedBy ?? initiator.actor)
        let isConnected = try await environment.connection(partner).state == .connected
        let run = SyncRun(
            id: newRunID(), partnerID: known.id, trigger: initiator.trigger, startedBy: initiator.startedBy, createdAt: now)
        let insertion = try await audited(
            "usage.\(channel)", known.id, by: initiator,
            "\(delivery.id), \(delivery.accounts) accounts, \(delivery.counts) counts, \(delivery.size) bytes, sha256 \(hash)"
        ) { () async throws(IntegrationError) in
            try await remember { store throws(StoreError) in
                try await store.insertDelivery(
                    delivery, content: content, run: isConnected ? run : nil,
                    forgettingBefore: now.addingTimeInterval(-UsageDelivery.keyMemory.seconds))
            }
        }
        switch insertion {
        case .inserted(let stored):
            if stored.startedRun != nil { await worker.wake() }
            return stored
        // The same key came twice at once.
        case .known(let before): return try before.repeated(as: channel, hash)
        }
    }

    private static func checked(_ key: String?, _ channel: UsageChannel) throws(IntegrationError) -> String? {
        guard let key else {
            guard channel != .push else {
                throw IntegrationError(
                    code: .invalidInput,
                    message: "The header Idempotency-Key is missing. Send a new key with every snapshot, and the same one when you "
                        + "repeat a request whose answer was lost.", field: "Idempotency-Key")
            }
            return nil
        }
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw IntegrationError(
                code: .invalidInput, message: "The header Idempotency-Key must have 1 to 255 visible ASCII characters without spaces.",
                field: "Idempotency-Key")
        }
        return key
    }
}

extension UsageDelivery {
    /// How long the key of a delivery is known, and one that comes again is recognised.
    public static let keyMemory = Duration.seconds(90 * 86_400)

    /// This delivery, when the other is the same.
    fileprivate func repeated(as channel: UsageChannel, _ hash: String) throws(IntegrationError) -> UsageDelivery {
        guard self.channel == channel, sha256 == hash else {
            throw IntegrationError(
                code: .keyReused,
                message: "Other usage was handed in under this Idempotency-Key before. Nothing was kept; send this under a new key.",
                field: "Idempotency-Key")
        }
        return self
    }
}
