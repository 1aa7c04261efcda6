import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Logging
import Secrets
import Store

/// `GET /launch`: the way from the vendor's portal to a partner's page, by a signed token or by a link that works once.
struct LaunchDoor: Sendable {
    private let environment: PortalEnvironment
    private let sessions: Sessions

    init(_ environment: PortalEnvironment) {
        self.environment = environment
        sessions = Sessions(environment)
    }

    /// Begins a session and goes on to `/`; every refusal is the same 401 page, and its reason is logged.
    func respond(to request: Request) async throws -> Response {
        // A program that looks ahead at a link must not use it up.
        guard request.head.method == .get else { return Response(status: .noContent) }
        let entry: Entry
        do {
            entry = try await admit(request)
        } catch let error as PortalError {
            environment.logger.notice(
                "A launch was refused",
                metadata: ["reason": "\(error.message)", "address": "\(request.remoteAddress.host)"])
            try await note(error, request)
            throw Self.refusal
        }
        let cookie = try await environment.store.audited(
            AuditEntry(
                at: environment.time.now(), actor: "partner:\(entry.partner)", action: "session.open",
                partnerID: entry.partner, address: request.remoteAddress.host, details: entry.details)
        ) { () async throws(StoreError) in
            try await sessions.open(.partner(entry.partner), mayChange: entry.mayChange, replacing: request)
        }
        var response = Response.redirect(to: "/")
        response.setCookie(cookie)
        return response
    }

    /// A refused launch goes into the trail, unless its address has filled it with refusals already.
    private func note(_ error: PortalError, _ request: Request) async throws {
        let (now, address) = (environment.time.now(), request.remoteAddress.host)
        guard environment.accessGuard.isWorthAnEntry("launch", from: address, at: now) else { return }
        try await environment.store.appendAudit(
            AuditEntry(
                at: now, actor: "unknown", action: "session.refused", partnerID: nil, address: address, details: error.message))
    }

    private struct Entry {
        var partner: PartnerID
        /// False for a partner's user who may only look.
        var mayChange = true
        /// For the audit trail.
        var details: String
    }

    private func admit(_ request: Request) async throws -> Entry {
        if let token = request.query["token"] { return try await admit(token: token) }
        if let link = request.query["link"] { return try await admit(link: link) }
        throw PortalError(.launchRefused, "The address has neither a token nor a link.")
    }

    private func admit(token: String) async throws -> Entry {
        let claims = try await LaunchTokens.verify(
            token, keys: environment.settings.launchKeys, skew: environment.settings.launchClockSkew, now: environment.time.now())
        // Hashed, so that the store holds texts of one length whatever the vendor puts there.
        guard try await environment.store.useNonce(TokenHash.sha256(claims.tokenID), expiresAt: claims.expiresAt) else {
            throw PortalError(.launchRefused, "The launch token was used before.")
        }
        let partner = try await environment.desk.admitPartner(
            vendorReference: claims.vendorReference, name: claims.name,
            timeZone: environment.settings.defaultTimeZone)
        let role = claims.role.map { " as \($0)" } ?? ""
        return Entry(partner: partner.id, mayChange: claims.mayChange, details: "Opened from the vendor's portal\(role).")
    }

    private func admit(link: String) async throws -> Entry {
        let now = environment.time.now()
        guard let partner = try await environment.store.redeemLaunchLink(tokenHash: TokenHash.sha256(link), at: now) else {
            throw PortalError(.launchRefused, "The launch link is unknown, used or expired.")
        }
        return Entry(partner: partner, details: "Opened with a one-time link.")
    }

    private static let refusal = HTTPError(
        .unauthorized, code: "launch-refused",
        message: "This link has expired or was used before. Open the page again from your vendor's portal.")
}
