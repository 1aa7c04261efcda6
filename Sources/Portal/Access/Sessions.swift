import Foundation
import HTTPClient
import HTTPServer
import Logging
import Secrets
import Store

/// Whose browser a session is. Each kind has its own cookie, so that an operator can look at a partner's page beside the
/// console.
enum SessionKind: Sendable, Hashable {
    case partner
    case `operator`
}

extension SessionSubject {
    var kind: SessionKind {
        switch self {
        case .partner: .partner
        case .operator: .operator
        }
    }
}

/// The session of a browser, and the token that every form in it carries.
@dynamicMemberLookup
struct BrowserSession: Sendable {
    let stored: WebSession
    /// Made of the cookie's token (ASVS 3.5.1): the store does not have it.
    let csrfToken: String

    init(_ stored: WebSession, token: Secret) {
        self.stored = stored
        csrfToken = TokenHash.derived(from: token, for: "perch form 1")
    }

    subscript<Value>(dynamicMember member: KeyPath<WebSession, Value>) -> Value { stored[keyPath: member] }
}

/// Browser sessions: a random token in a cookie, its hash in the store, an idle and an absolute limit (ASVS 7.2, 7.3). The row carries a
/// proof that Perch wrote it: one that somebody put into the database opens nothing.
struct Sessions: Sendable {
    let store: any AccessStore
    let keyRing: KeyRing
    let logger: Logger
    let time: TimeSource
    let random: RandomSource
    let idle: Duration
    let lifetime: Duration
    let isSecure: Bool
    /// Whether the partner page may stand in a frame of another site.
    let isFramed: Bool

    /// A session is written at most this often for being used: the idle limit is kept to a minute.
    private static let touchInterval: Duration = .seconds(60)

    init(_ environment: PortalEnvironment) {
        store = environment.store
        keyRing = environment.keyRing
        logger = environment.logger
        time = environment.time
        random = environment.random
        idle = environment.settings.sessionIdle
        lifetime = environment.settings.sessionLifetime
        isSecure = environment.settings.isSecure
        isFramed = !environment.settings.frameAncestors.isEmpty
    }

    /// Begins a session and ends the one that the browser had, so that a token known before sign-in is worth nothing after
    /// it (ASVS 7.2.4).
    /// - Returns: the cookie for the answer.
    func open(_ subject: SessionSubject, replacing request: Request) async throws(StoreError) -> ResponseCookie {
        let now = time.now()
        let token = random.token()
        let session = WebSession(
            tokenHash: TokenHash.sha256(token), subject: subject, createdAt: now, lastSeenAt: now,
            expiresAt: now.addingTimeInterval(lifetime.seconds))
        _ = try await open(session, with: nil, replacing: request)
        return cookie(subject.kind, value: token)
    }

    /// The same for a partner's user who was launched; the pass is used up in the same transaction.
    /// - Returns: nil when the pass was used before.
    func open(_ entry: LaunchEntry, replacing request: Request) async throws(StoreError) -> ResponseCookie? {
        let now = time.now()
        let token = random.token()
        let end = now.addingTimeInterval(lifetime.seconds)
        let session = WebSession(
            tokenHash: TokenHash.sha256(token), subject: .partner(entry.partner), launchedBy: entry.launchedBy, createdAt: now,
            lastSeenAt: now, expiresAt: min(end, entry.notAfter ?? end), mayChange: entry.mayChange)
        guard try await open(session, with: entry.pass, replacing: request) else { return nil }
        return cookie(.partner, value: token)
    }

    private func open(
        _ session: WebSession, with pass: LaunchPass?, replacing request: Request
    ) async throws(StoreError) -> Bool {
        let replaced = token(session.subject.kind, of: request).map { TokenHash.sha256($0.reveal()) }
        return try await store.openSession(session.proven(by: keyRing), with: pass, replacing: replaced)
    }

    /// The browser's session of that kind, nil when there is none, or it has ended.
    func current(_ kind: SessionKind, of request: Request) async throws(StoreError) -> BrowserSession? {
        guard let token = token(kind, of: request),
            var session = try await store.session(tokenHash: TokenHash.sha256(token.reveal())), session.subject.kind == kind
        else { return nil }
        guard session.isProven(by: keyRing) else {
            logger.error(
                "A session that was put in or altered behind Perch's back was refused; `perch doctor` names it",
                metadata: ["subject": "\(session.subject)"])
            return nil
        }
        let now = time.now()
        guard Self.isAlive(session, at: now, idle: idle), try await isMakerInUse(session) else {
            try await store.deleteSession(tokenHash: session.tokenHash)
            return nil
        }
        if now.timeIntervalSince(session.lastSeenAt) >= Self.touchInterval.seconds {
            session.lastSeenAt = now
            session = session.proven(by: keyRing)
            try await store.touchSession(session)
        }
        return BrowserSession(session, token: token)
    }

    /// Whether a session that was read before is neither ended nor over by now. Looking is no use of it.
    func isOpen(_ session: WebSession) async throws(StoreError) -> Bool {
        guard let present = try await store.session(tokenHash: session.tokenHash), present.isProven(by: keyRing) else { return false }
        guard Self.isAlive(present, at: time.now(), idle: idle) else { return false }
        return try await isMakerInUse(present)
    }

    /// False when the session came by a link of an operator key that was revoked: a row put back from an old copy opens nothing.
    private func isMakerInUse(_ session: WebSession) async throws(StoreError) -> Bool {
        guard let maker = session.launchedBy else { return true }
        return try await store.operatorKey(maker).map { $0.revokedAt == nil } ?? false
    }

    /// Ends the browser's session of that kind.
    /// - Returns: a cookie that removes the browser's.
    func close(_ kind: SessionKind, of request: Request) async throws(StoreError) -> ResponseCookie {
        try await delete(kind, of: request)
        var cookie = cookie(kind, value: "")
        cookie.maxAge = 0
        return cookie
    }

    static func isAlive(_ session: WebSession, at now: Date, idle: Duration) -> Bool {
        now < session.expiresAt && now.timeIntervalSince(session.lastSeenAt) < idle.seconds
    }

    /// The `__Host-` prefix makes browsers refuse the cookie from other hosts and over plain http (RFC 6265bis 4.1.3).
    func name(_ kind: SessionKind) -> String {
        let name =
            switch kind {
            case .partner: "perch_session"
            case .operator: "perch_console"
            }
        return isSecure ? "__Host-" + name : name
    }

    private func delete(_ kind: SessionKind, of request: Request) async throws(StoreError) {
        guard let token = token(kind, of: request) else { return }
        try await store.deleteSession(tokenHash: TokenHash.sha256(token.reveal()))
    }

    private func token(_ kind: SessionKind, of request: Request) -> Secret? {
        request.cookie(name(kind)).flatMap { $0.isEmpty ? nil : Secret($0) }
    }

    private func cookie(_ kind: SessionKind, value: String) -> ResponseCookie {
        guard var cookie = ResponseCookie(name: name(kind), value: value) else {
            preconditionFailure("a base64url token is made of cookie characters")
        }
        cookie.isSecure = isSecure
        // The partner arrives from the vendor's portal, where a strict cookie would not be sent along.
        cookie.sameSite = kind == .operator ? .strict : .lax
        if kind == .partner, isFramed, isSecure {
            // In a frame of the vendor's portal every request is one from another site. The browser keeps a jar of its own for each
            // portal, so that nothing can be followed from one to the other (CHIPS); Origin check and form token guard as before.
            cookie.sameSite = .none
            cookie.isPartitioned = true
        }
        return cookie
    }
}
