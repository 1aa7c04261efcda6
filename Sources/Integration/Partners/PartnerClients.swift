import HTTPClient
import Secrets
import Store
import Synthesize

extension IntegrationEnvironment {
    var vault: Vault { Vault(keyRing: keyRing, random: random) }

    /// A client with one partner's key.
    /// - Parameters:
    ///   - urgency: interactive calls go before all others.
    ///   - attempts: the most tries of a call; fewer where a person waits for the answer.
    func client(
        _ partner: PartnerID, key: Secret, _ urgency: PacerLane.Urgency, attempts: Int = .max
    ) -> SynthesizeClient {
        var environment = synthesize
        environment.retry.maximumAttempts = min(environment.retry.maximumAttempts, attempts)
        return SynthesizeClient(
            environment: environment, token: SynthesizeToken(vendorKey: vendorKey, partnerKey: key),
            lane: PacerLane(urgency, share: partner.rawValue))
    }

    /// - Throws: `notFound` for an unknown partner.
    func connection(_ partner: PartnerID) async throws(IntegrationError) -> Connection {
        do {
            return try await store.connection(partner)
        } catch {
            throw IntegrationError(error)
        }
    }

    /// The partner's stored key, opened.
    /// - Throws: `conflict` when there is none.
    func partnerKey(of connection: Connection) throws(IntegrationError) -> Secret {
        guard let sealed = connection.partnerKey else {
            throw IntegrationError(
                code: .conflict, message: "No Partner API key is stored. Paste it under \"Partner API key\" and press Connect.")
        }
        do {
            return try vault.openPartnerKey(sealed, of: connection.partnerID)
        } catch {
            logger.error("a stored key does not open", metadata: ["partner": "\(connection.partnerID)", "error": "\(error)"])
            throw IntegrationError(
                code: .secrets,
                message: "The stored Partner API key does not open with this installation's key. Paste it again and press Connect.")
        }
    }

    /// Notes that Synthesize refused a key: the connection needs a new one and the schedule rests. A key saved in the meantime is not
    /// touched.
    func condemnKey(of partner: PartnerID, version: Int) async throws(StoreError) {
        var connection = try await store.connection(partner)
        if connection.keyVersion == version, connection.state == .connected {
            let (now, reason) = (time.now(), "Synthesize did not accept the stored key.")
            connection = try await auditedAsOwn("connection.needsNewKey", partner, reason + " The schedule rests.") {
                () async throws(StoreError) in
                try await store.updateConnection(partner) { connection in
                    guard connection.keyVersion == version, connection.state == .connected else { return }
                    connection.state = .needsNewKey
                    connection.stateSince = now
                    connection.stateReason = reason
                }
            }
        }
        if connection.state == .needsNewKey { try await restSchedule(of: partner) }
    }

    /// Takes the partner off the schedule until it is connected again.
    func restSchedule(of partner: PartnerID) async throws(StoreError) {
        guard var schedule = try await store.schedule(partner), schedule.isActive else { return }
        schedule.isActive = false
        schedule.nextRunAt = nil
        try await store.saveSchedule(schedule)
    }

    /// Keeps what Synthesize said of the integration.
    func note(_ organization: PartnerOrganization, of partner: PartnerID) async throws(StoreError) {
        let now = time.now()
        try await store.updateConnection(partner) { connection in
            connection.organizationID = organization.organizationID
            connection.organizationName = organization.name
            connection.reportedStatus = organization.status.rawValue
            connection.statusReadAt = now
        }
    }
}
