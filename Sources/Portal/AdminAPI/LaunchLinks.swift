import Foundation
import HTTPClient
import Integration
import Secrets
import Store

/// Links that open one partner's page once; operators make them where the vendor's portal signs no tokens.
enum LaunchLinks {
    /// Long enough to hand a link over, short enough that a forgotten one is worth nothing.
    static let lifetime: Duration = .seconds(10 * 60)

    /// Makes a link, of which only the token's hash is stored, and writes that down in the audit trail.
    /// - Returns: `PUBLIC-URL/launch?link=TOKEN`, and until when it works.
    /// - Throws: `notFound` for an unknown partner, `store`.
    static func make(
        for partner: PartnerID, by initiator: Initiator, _ environment: PortalEnvironment
    ) async throws(IntegrationError) -> (url: String, expiresAt: Date) {
        _ = try await environment.desk.partner(partner)
        let now = environment.time.now()
        let expiresAt = now.addingTimeInterval(lifetime.seconds)
        let token = environment.random.token(bytes: 32)
        let link = LaunchLink(
            tokenHash: TokenHash.sha256(token), partnerID: partner, madeBy: initiator.operatorKey, expiresAt: expiresAt
        ).proven(by: environment.keyRing)
        do {
            try await environment.store.audited(
                AuditEntry(
                    at: now, actor: initiator.actor, action: "launchLink.make", partnerID: partner,
                    address: initiator.address, details: "works once, until \(AdminJSON.instant(expiresAt))")
            ) { () async throws(StoreError) in
                try await environment.store.insertLaunchLink(link)
            }
        } catch {
            throw IntegrationError(code: .store, message: error.message)
        }
        return (environment.settings.publicURL + "/launch?link=" + token, expiresAt)
    }
}

extension Initiator {
    fileprivate var operatorKey: OperatorKeyID? {
        if case .operator(let id, _, _) = self { id } else { nil }
    }
}
