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

    /// Begins a session and goes on to `/`; every refusal is the same 401 page, and its reason is logged. Audit entry, session and the use
    /// of token or link are one transaction: what was refused, or could not be written down, can be used again.
    func respond(to request: Request) async throws -> Response {
        // A program that looks ahead at a link must not use it up.
        guard request.head.method == .get else { return Response(status: .noContent) }
        let cookie: ResponseCookie
        do {
            let entry = try await admit(request)
            cookie = try await open(entry, request)
        } catch let error as PortalError {
            environment.logger.notice(
                "A launch was refused",
                metadata: ["reason": "\(error.message)", "address": "\(request.remoteAddress.host)"])
            try await note(error, request)
            throw Self.refusal
        }
        var response = Response.redirect(to: "/")
        response.setCookie(cookie)
        return response
    }

    private func open(_ entry: LaunchEntry, _ request: Request) async throws -> ResponseCookie {
        let cookie = try await environment.store.audited(
            AuditEntry(
                at: environment.time.now(), actor: "partner:\(entry.partner)", action: "session.open",
                partnerID: entry.partner, address: request.remoteAddress.host, details: entry.details)
        ) { () async throws(StoreError) in
            try await sessions.open(entry, replacing: request)
        }
        guard let cookie else { throw PortalError(.launchRefused, "The launch token or link was used before.") }
        return cookie
    }

    /// A refused launch goes into the trail, unless its address has filled it with refusals already.
    private func note(_ error: PortalError, _ request: Request) async throws {
        let (now, address) = (environment.time.now(), request.remoteAddress.host)
        guard environment.accessGuard.isWorthAnEntry("launch", from: address, at: now) else { return }
        try await environment.store.appendAudit(
            AuditEntry(
                at: now, actor: "unknown", action: "session.refused", partnerID: nil, address: address, details: error.message))
    }

    private func admit(_ request: Request) async throws -> LaunchEntry {
        if let token = request.query["token"] { return try await admit(token: token) }
        if let link = request.query["link"] { return try await admit(link: link) }
        throw PortalError(.launchRefused, "The address has neither a token nor a link.")
    }

    private func admit(token: String) async throws -> LaunchEntry {
        let claims = try await LaunchTokens.verify(
            token, keys: environment.settings.launchKeys, skew: environment.settings.launchClockSkew, now: environment.time.now())
        // Hashed, so that the store holds texts of one length whatever the vendor puts there.
        let nonce = TokenHash.sha256(claims.tokenID)
        // Looked at first: one that comes again must not name the partner again either.
        guard try await !environment.store.isNonceUsed(nonce) else {
            throw PortalError(.launchRefused, "The launch token was used before.")
        }
        let partner: Partner
        do throws(IntegrationError) {
            partner = try await environment.desk.admitPartner(
                vendorReference: claims.vendorReference, name: claims.name,
                timeZone: environment.settings.defaultTimeZone)
        } catch {
            guard [.invalidInput, .secrets].contains(error.code) else { throw error }
            throw PortalError(.launchRefused, error.message)
        }
        let role = claims.role.map { " as \($0)" } ?? ""
        return LaunchEntry(
            partner: partner.id, pass: .token(nonce: nonce, expiresAt: claims.expiresAt), mayChange: claims.mayChange,
            details: "Opened from the vendor's portal\(role).")
    }

    private func admit(link text: String) async throws -> LaunchEntry {
        let (store, now) = (environment.store, environment.time.now())
        guard let link = try await store.launchLink(tokenHash: TokenHash.sha256(text)), now < link.expiresAt else {
            throw PortalError(.launchRefused, "The launch link is unknown, used or expired.")
        }
        guard link.isProven(by: environment.keyRing) else {
            throw PortalError(.launchRefused, "The launch link was put in or altered behind Perch's back; `perch doctor` names it.")
        }
        var entry = LaunchEntry(
            partner: link.partnerID, pass: .link(tokenHash: link.tokenHash), details: "Opened with a one-time link.")
        if let maker = link.madeBy {
            guard let key = try await store.operatorKey(maker), key.isProven(by: environment.keyRing), key.isUsable(at: now) else {
                throw PortalError(.launchRefused, "The operator key \(maker) that made the launch link opens nothing any more.")
            }
            entry.launchedBy = maker
            entry.notAfter = key.expiresAt
            entry.details = "Opened with a one-time link of operator key \(maker)."
        }
        return entry
    }

    private static let refusal = HTTPError(
        .unauthorized, code: "launch-refused",
        message: "This link has expired or was used before. Open the page again from your vendor's portal.")
}

/// Who may enter, and by what.
struct LaunchEntry: Sendable {
    var partner: PartnerID
    var pass: LaunchPass
    /// False for a partner's user who may only look.
    var mayChange = true
    /// The operator key whose link it is.
    var launchedBy: OperatorKeyID?
    /// When the session ends at the latest.
    var notAfter: Date?
    /// For the audit trail.
    var details: String
}
