import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Secrets
import Store
import Synchronization

/// What all ways of entry share: who guessed wrong, and the key by which operator keys are hashed.
public final class AccessGuard: Sendable {
    private let ledger = Mutex(GuessLedger())
    private let hashing = Mutex<KeyedTokenHash?>(nil)

    public init() {}

    /// A wrong operator key came. Only wrong ones are counted and told to wait: who has a right one never comes here, so nobody can be
    /// locked out by what others send, not even from the same address.
    /// - Throws: `HTTPError` 429 with `Retry-After` while the address, or this very token, has to wait; then it is not counted again.
    func countWrong(_ token: Secret, from address: String, at now: Date) throws(HTTPError) {
        let names = ["address \(Self.network(address))", "key \(TokenHash.sha256(token.reveal()).prefix(32))"]
        let wait = ledger.withLock { ledger in
            let wait = ledger.wait(names, at: now)
            if wait == 0 { ledger.failed(names, at: now) }
            return wait
        }
        guard wait > 0 else { return }
        throw Self.tooManyTries(wait)
    }

    /// A wrong key was entered again in a session.
    /// - Returns: whether that was once too often for this session. Other sessions of the same operator are not touched by it.
    func countWrongConfirmation(in session: WebSession, at now: Date) -> Bool {
        let name = "confirmation \(session.tokenHash)"
        return ledger.withLock { ledger in
            ledger.failed([name], at: now)
            return ledger.failures(name, at: now) >= GuessLedger.free
        }
    }

    /// Whether a refusal for another reason than an operator key is worth an entry in the trail: a stranger must not fill the disk.
    func isWorthAnEntry(_ kind: String, from address: String, at now: Date) -> Bool {
        let names = ["\(kind) \(Self.network(address))"]
        return ledger.withLock { ledger in
            guard ledger.wait(names, at: now) == 0 else { return false }
            ledger.failed(names, at: now)
            return true
        }
    }

    /// The hashing of this installation's operator keys; its key is made at the first use and kept sealed in the store.
    func operatorKeyHash(_ store: any Store, _ keyRing: KeyRing, _ random: RandomSource) async throws -> KeyedTokenHash {
        if let known = hashing.withLock({ $0 }) { return known }
        let loaded = try await OperatorKeys.hashing(store: store, keyRing: keyRing, random: random)
        hashing.withLock { $0 = loaded }
        return loaded
    }

    private static func tooManyTries(_ wait: TimeInterval) -> HTTPError {
        let seconds = Int(wait.rounded(.up))
        return HTTPError(
            .tooManyRequests, code: "too-many-tries",
            message: "Too many wrong keys came from here. Try again in \(seconds == 1 ? "a second" : "\(seconds) seconds").",
            headerFields: [.retryAfter: String(seconds)])
    }

    /// One customer has a /64 of IPv6 addresses: they count as one.
    static func network(_ address: String) -> String {
        guard address.contains(":") else { return address }
        var bytes = in6_addr()
        guard inet_pton(AF_INET6, address, &bytes) == 1 else { return address }
        let all = withUnsafeBytes(of: &bytes) { Array($0) }
        // An IPv4 address in IPv6's clothes (RFC 4291 section 2.5.5.2).
        if all[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] { return all[12...].map(String.init).joined(separator: ".") }
        return all[..<8].map { String($0, radix: 16) }.joined(separator: ":")
    }
}
