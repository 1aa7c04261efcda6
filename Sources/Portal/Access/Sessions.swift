import Foundation
import HTTPClient
import HTTPServer
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

/// Browser sessions: a random token in a cookie, its hash in the store, an idle and an absolute limit (ASVS 7.2, 7.3).
struct Sessions: Sendable {
    let store: any AccessStore
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
    func open(
        _ subject: SessionSubject, mayChange: Bool = true, replacing request: Request
    ) async throws(StoreError) -> ResponseCookie {
        let now = time.now()
        let token = random.token()
        try await store.insertSession(
            WebSession(
                tokenHash: TokenHash.sha256(token), subject: subject, csrfToken: random.token(), createdAt: now,
                lastSeenAt: now, expiresAt: now.addingTimeInterval(lifetime.seconds), mayChange: mayChange))
        try await delete(subject.kind, of: request)
        return cookie(subject.kind, value: token)
    }

    /// The browser's session of that kind, nil when there is none, or it has ended.
    func current(_ kind: SessionKind, of request: Request) async throws(StoreError) -> WebSession? {
        guard let token = request.cookie(name(kind)), !token.isEmpty,
            let session = try await store.session(tokenHash: TokenHash.sha256(token)), session.subject.kind == kind
        else { return nil }
        let now = time.now()
        guard Self.isAlive(session, at: now, idle: idle) else {
            try await store.deleteSession(tokenHash: session.tokenHash)
            return nil
        }
        if now.timeIntervalSince(session.lastSeenAt) >= Self.touchInterval.seconds {
            try await store.touchSession(tokenHash: session.tokenHash, at: now)
        }
        return session
    }

    /// Whether a session that was read before is neither ended nor over by now. Looking is no use of it.
    func isOpen(_ session: WebSession) async throws(StoreError) -> Bool {
        guard let present = try await store.session(tokenHash: session.tokenHash) else { return false }
        return Self.isAlive(present, at: time.now(), idle: idle)
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
        guard let token = request.cookie(name(kind)), !token.isEmpty else { return }
        try await store.deleteSession(tokenHash: TokenHash.sha256(token))
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
