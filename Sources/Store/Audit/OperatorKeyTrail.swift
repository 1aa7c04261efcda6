import Foundation
import Secrets

/// What the audit trail tells of operator keys, held against the keys themselves: a row that was put in, altered, taken out or brought
/// back behind Perch's back does not fit.
enum OperatorKeyTrail {
    static let lostHashKey =
        "The key that operator keys are hashed with is not in the database, so none of them opens. Restore a backup that holds it."

    static let issuing = "operator.issue"
    static let revoking = "operator.revoke"
    /// A restore carries revocations over from the database that it replaces.
    static let restoring = "database.restore"

    /// The clock is read a moment apart for a key and for its entry in what an older Perch wrote.
    fileprivate static let tolerance: TimeInterval = 60

    /// - Parameter entries: those of the three actions, of the same moment as the keys.
    static func faults(_ keys: [OperatorKey], _ entries: [AuditEntry]) -> [String] {
        var issued: [String: AuditEntry] = [:]
        var revoked: [String: AuditEntry] = [:]
        for entry in entries {
            // "Issued key opr_...", "Revoked key opr_...".
            let words = entry.details.split(separator: " ", maxSplits: 3)
            guard words.count > 2, words[1] == "key" else { continue }
            let id = String(words[2])
            // A restore tells once more of what was revoked: the first entry has the instant.
            if entry.action == issuing { issued[id] = entry } else if revoked[id] == nil { revoked[id] = entry }
        }
        let wasRestored = entries.contains { $0.action == restoring }
        var faults: [String] = []
        for key in keys {
            let id = key.id.rawValue
            guard let entry = issued.removeValue(forKey: id) else {
                faults.append("The audit trail does not know operator key \(id): it was not issued by Perch.")
                continue
            }
            if entry.details != key.issueDetails, entry.details != key.issueDetails(withMark: false) {
                faults.append(
                    "Operator key \(id) is not as it was issued. Entry \(entry.sequence) of the audit trail says: \(entry.details)")
            }
            if entry.isFar(from: key.createdAt) {
                faults.append("Operator key \(id) was issued at another time: entry \(entry.sequence) of the audit trail tells of it.")
            }
            switch (revoked[id], key.revokedAt) {
            case (let entry?, nil):
                faults.append("Operator key \(id) is in use again, although entry \(entry.sequence) of the audit trail revoked it.")
            case (let entry?, let instant?) where entry.isFar(from: instant):
                faults.append("Operator key \(id) was revoked at another time: entry \(entry.sequence) of the audit trail tells of it.")
            case (nil, _?) where !wasRestored:
                faults.append("Operator key \(id) was revoked behind Perch's back: the audit trail does not tell of it.")
            default: break
            }
        }
        return faults
            + issued.values.sorted { $0.sequence < $1.sequence }
            .map { "An operator key is gone. Entry \($0.sequence) of the audit trail says: \($0.details)" }
    }
}

extension AuditEntry {
    fileprivate func isFar(from instant: Date) -> Bool {
        abs(at.timeIntervalSince(instant)) > OperatorKeyTrail.tolerance
    }
}

extension OperatorKey {
    /// The entry that a key's issue leaves in the audit trail. `perch doctor` holds the row against it.
    public func issue(by actor: String, from address: String?, at instant: Date) -> AuditEntry {
        AuditEntry(
            at: instant, actor: actor, action: OperatorKeyTrail.issuing, partnerID: nil, address: address, details: issueDetails)
    }

    /// The entry that a key's revocation leaves.
    public func revocation(by actor: String, from address: String?, at instant: Date) -> AuditEntry {
        AuditEntry(
            at: instant, actor: actor, action: OperatorKeyTrail.revoking, partnerID: nil, address: address,
            details: "Revoked key \(id) '\(name)': its sign-ins, its unused launch links and the sign-ins by its links ended with it.")
    }

    fileprivate var issueDetails: String { issueDetails(withMark: true) }

    /// - Parameter withMark: false for an entry from before the marks. The mark is a hash of the stored hash: it tells one key from another
    ///   and opens nothing.
    fileprivate func issueDetails(withMark: Bool) -> String {
        let until = expiresAt.map { ", until \(Self.instant($0))" } ?? ""
        let mark = withMark ? ", mark \(TokenHash.sha256(hash).prefix(16))" : ""
        return "Issued key \(id) '\(name)' with role \(role.rawValue)\(until)\(mark)."
    }

    /// RFC 3339 in UTC, to the millisecond that the store keeps. Rounded first, because the style cuts.
    private static func instant(_ date: Date) -> String {
        Date(timeIntervalSince1970: (date.timeIntervalSince1970 * 1000).rounded() / 1000 + 1e-5)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
