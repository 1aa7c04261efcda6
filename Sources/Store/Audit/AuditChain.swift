import Foundation
import Secrets

/// The chain of the audit trail: each entry's hash covers the entry and the hash of the one before, so that an entry that is
/// altered or taken out no longer fits its neighbours.
///
/// The hash has no key: whoever can write the database file can chain anew from the place that he changed. A head that was noted
/// elsewhere (`perch doctor` prints it, every export holds it) gives that away too.
public enum AuditChain {
    /// What the first entry is chained to.
    public static let beginning = String(repeating: "0", count: 64)

    /// SHA-256, as 64 lower-case hexadecimal digits, of: hash before, sequence, milliseconds since 1970, actor, action, partner,
    /// address, details; each as its length in UTF-8 bytes, a colon and the text, or `-` when there is none, one comma between.
    public static func hash(of entry: AuditEntry, after before: String) -> String {
        let milliseconds = Int64((entry.at.timeIntervalSince1970 * 1000).rounded())
        let parts: [String?] = [
            before, String(entry.sequence), String(milliseconds), entry.actor, entry.action, entry.partnerID?.rawValue,
            entry.address, entry.details,
        ]
        return TokenHash.sha256(parts.map { $0.map { "\($0.utf8.count):\($0)" } ?? "-" }.joined(separator: ","))
    }

    /// What is wrong with a trail.
    public enum Fault: Sendable, Hashable, CustomStringConvertible {
        /// All of these are gone.
        case removed(first: Int, last: Int)
        /// The entry does not have the hash of what it says.
        case altered(sequence: Int)
        /// The entry has no hash.
        case unchained(sequence: Int)

        public var description: String {
            switch self {
            case .removed(let first, let last) where first == last: "Entry \(first) of the audit trail was removed."
            case .removed(let first, let last): "Entries \(first) to \(last) of the audit trail were removed."
            case .altered(let sequence):
                "Entry \(sequence) of the audit trail was altered, or does not follow the entry before it."
            case .unchained(let sequence): "Entry \(sequence) of the audit trail has lost its hash."
            }
        }
    }

    /// Walks a trail, oldest entry first.
    public struct Walk: Sendable {
        public private(set) var faults: [Fault] = []
        /// Of the newest entry seen.
        public private(set) var head = (sequence: 0, hash: beginning)

        public init() {}

        public mutating func take(_ entry: AuditEntry) {
            let followsDirectly = entry.sequence == head.sequence + 1
            if !followsDirectly { faults.append(.removed(first: head.sequence + 1, last: entry.sequence - 1)) }
            if entry.chainHash.isEmpty {
                faults.append(.unchained(sequence: entry.sequence))
            } else if followsDirectly, !TokenHash.equal(entry.chainHash, AuditChain.hash(of: entry, after: head.hash)) {
                // After a gap it cannot be told: the hash before is gone with its entry.
                faults.append(.altered(sequence: entry.sequence))
            }
            head = (entry.sequence, entry.chainHash)
        }

        /// - Parameter last: the highest sequence that was ever given.
        public mutating func end(atLast last: Int) {
            if last > head.sequence { faults.append(.removed(first: head.sequence + 1, last: last)) }
        }
    }
}
