import Foundation
import Secrets
import Store

/// All tables, as one value. The topics' files say how each is read and changed.
struct MemoryDatabase: Sendable {
    var wrappedKey: WrappedDataKey?

    var partners: [PartnerID: Partner] = [:]
    var partnerIDs: [PartnerID.RawValue] = []
    var partnerByReference: [String: PartnerID] = [:]
    var connections: [PartnerID: Connection] = [:]
    var credentials: [PartnerID: VendorCredential] = [:]

    var schedules: [PartnerID: Schedule] = [:]
    var dueSchedules: [Due<String>] = []

    /// By id.
    var accounts: [PartnerID: [Account]] = [:]
    var services: [String: Service] = [:]

    /// In the order of insertion; the index is the run's number in the indexes.
    var runs: [StoredRun] = []
    var runNumbers: [SyncRunID: Int] = [:]
    var runHistory: [PartnerID: [Due<Int>]] = [:]
    /// By the instant of creation.
    var activeRuns: [Due<Int>] = []
    var activeRunOfPartner: [PartnerID: Int] = [:]
    var lastCounts: [PartnerID: [LastCountKey: LastCount]] = [:]

    /// In the order of insertion.
    var alerts: [Alert] = []
    var alertNumbers: [AlertID: Int] = [:]
    var alertNumbersByAlertID: [PartnerID: [String: Int]] = [:]
    var alertHistory: [PartnerID: [Due<Int>]] = [:]
    var dueAlerts: [Due<Int>] = []

    var operatorKeys: [OperatorKeyID: OperatorKey] = [:]
    var operatorKeyByHash: [String: OperatorKeyID] = [:]
    var sessions: [String: WebSession] = [:]
    var nonces: [String: Date] = [:]
    var launchLinks: [String: LaunchLink] = [:]
    /// The entry with sequence 1 first.
    var audit: [AuditEntry] = []

    func requirePartner(_ id: PartnerID) throws(StoreError) {
        guard partners[id] != nil else { throw .notFound("partner", id) }
    }
}

/// A run with its ledger.
struct StoredRun: Sendable {
    var run: SyncRun
    /// By position.
    var lines: [UsageLine] = []
    /// False once no line is left, so that removing never looks at the run again.
    var mayHaveLines = true
    /// The positions of the planned lines, ascending.
    var planned: [Int] = []
    /// Sums of accepted counts, by service name; made when the run ends.
    var totals: [(serviceName: String, total: Decimal)] = []
}

struct LastCountKey: Sendable, Hashable {
    var accountID: String
    var serviceID: String
}

struct LaunchLink: Sendable {
    var partner: PartnerID
    var expiresAt: Date
}

/// An entry of an index by instant, and by id within one.
struct Due<ID: Comparable & Sendable>: Comparable, Sendable {
    var at: Date
    var id: ID

    static func < (left: Due, right: Due) -> Bool {
        (left.at, left.id) < (right.at, right.id)
    }
}

extension Array {
    /// The first index of a sorted array whose element does not come before; the count when all do.
    func bisect(_ comesBefore: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if comesBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Array where Element: Comparable {
    mutating func insertSorted(_ element: Element) {
        insert(element, at: bisect { $0 < element })
    }

    mutating func removeSorted(_ element: Element) {
        let index = bisect { $0 < element }
        if index < count, self[index] == element { remove(at: index) }
    }
}

extension Date {
    /// As SQLite keeps it: to the millisecond.
    var stored: Date {
        Date(timeIntervalSince1970: (timeIntervalSince1970 * 1000).rounded() / 1000)
    }
}

extension StoreError {
    static func notFound(_ what: String, _ id: some CustomStringConvertible) -> StoreError {
        StoreError(code: .notFound, message: "There is no \(what) \(id). Nothing was changed.")
    }

    static func duplicate(_ what: String) -> StoreError {
        StoreError(code: .duplicate, message: "There is one \(what) already. Nothing was changed.")
    }

    /// Throws `constraint` when the rule of the schema is broken.
    static func require(_ isKept: Bool, _ rule: String) throws(StoreError) {
        guard isKept else {
            throw StoreError(
                code: .constraint, message: "A rule was broken: \(rule). Nothing was changed. This is a defect in Perch.")
        }
    }
}
