import Foundation
import Secrets

/// A row that lets somebody in. Whoever uses it asks `isProven` first: a row that somebody wrote into the database file is not.
public protocol ProvenRow: Sendable {
    static var provenTable: String { get }
    /// All that the row grants, and to whom.
    var provenValues: [String?] { get }
    /// HMAC under the key for proofs (`KeyRing.rowProof`). Empty in a row that nobody has proven yet.
    var proof: String { get set }
    /// For messages, such as `partner par_1`.
    var provenName: String { get }
}

extension ProvenRow {
    /// Whether the row is as who holds the keys has written it.
    public func isProven(by keyRing: KeyRing) -> Bool {
        keyRing.proves(proof, Self.provenTable, provenValues)
    }

    /// The row with the proof of what it says now.
    public func proven(by keyRing: KeyRing) -> Self {
        var proven = self
        proven.proof = keyRing.rowProof(Self.provenTable, provenValues)
        return proven
    }

    /// What `perch doctor` says of it; nil when nothing is wrong.
    func fault(_ keyRing: KeyRing) -> String? {
        isProven(by: keyRing) ? nil : "The row of \(provenName) was put in or altered by somebody without the master key. It opens nothing."
    }
}

/// A data key as it was before rows carried proofs opens the same secrets and proves nothing: put back from an old copy, it would have
/// Perch believe whatever stands in the rows once more.
public enum OlderDataKey {
    /// In the audit trail when the rows of an older database were proven.
    public static let provingAction = "keys.proveRows"
    public static let message =
        "The data key is one from before the rows of partners and operator keys carried proofs, and they do or did: somebody put an old copy "
        + "of it back, or took the proofs away. Nothing is believed. Restore a backup from after that."
}

extension Partner: ProvenRow {
    public static let provenTable = "partner"
    /// Whose page a launch opens. Name and time zone open nothing.
    public var provenValues: [String?] { [id.rawValue, vendorReference] }
    public var provenName: String { "partner \(id)" }
}

extension OperatorKey: ProvenRow {
    public static let provenTable = "operator_key"
    public var provenValues: [String?] {
        [id.rawValue, name, role.rawValue, hash, createdAt.proven, revokedAt?.proven, expiresAt?.proven]
    }
    public var provenName: String { "operator key \(id)" }
}

extension WebSession: ProvenRow {
    public static let provenTable = "web_session"
    public var provenValues: [String?] {
        let subject: (kind: String, id: String) =
            switch subject {
            case .partner(let id): ("partner", id.rawValue)
            case .operator(let id): ("operator", id.rawValue)
            }
        return [
            tokenHash, subject.kind, subject.id, launchedBy?.rawValue, mayChange ? "1" : "0", createdAt.proven, lastSeenAt.proven,
            expiresAt.proven,
        ]
    }
    public var provenName: String { "a session of \(subject)" }
}

extension LaunchLink: ProvenRow {
    public static let provenTable = "launch_link"
    public var provenValues: [String?] { [tokenHash, partnerID.rawValue, madeBy?.rawValue, expiresAt.proven] }
    public var provenName: String { "a launch link of partner \(partnerID)" }
}

extension Date {
    /// As it is stored.
    fileprivate var proven: String { String(milliseconds) }
}
