import Foundation
import Secrets
import Store

/// All tables, as one value. The topics' files say how each is read and changed.
struct MemoryDatabase: Sendable {
    /// Grows with every change of anything.
    private(set) var changes = 0

    var wrappedKeys: [WrappedDataKey] = [] { didSet { changes += 1 } }
    var sealedSettings: [String: SealedSecret] = [:] { didSet { changes += 1 } }

    var partners: [PartnerID: Partner] = [:] { didSet { changes += 1 } }
    var partnerIDs: [PartnerID.RawValue] = [] { didSet { changes += 1 } }
    var partnerByReference: [String: PartnerID] = [:] { didSet { changes += 1 } }
    var connections: [PartnerID: Connection] = [:] { didSet { changes += 1 } }
    var credentials: [PartnerID: VendorCredential] = [:] { didSet { changes += 1 } }

    /// By age, the oldest first.
    var deliveries: [PartnerID: [StoredDelivery]] = [:] { didSet { changes += 1 } }

    var schedules: [PartnerID: Schedule] = [:] { didSet { changes += 1 } }
    var dueSchedules: [Due<String>] = [] { didSet { changes += 1 } }

    /// By id.
    var accounts: [PartnerID: [Account]] = [:] { didSet { changes += 1 } }
    var services: [String: Service] = [:] { didSet { changes += 1 } }

    /// In the order of insertion; the index is the run's number in the indexes.
    var runs: [StoredRun] = [] { didSet { changes += 1 } }
    var runNumbers: [SyncRunID: Int] = [:] { didSet { changes += 1 } }
    var runHistory: [PartnerID: [Due<Int>]] = [:] { didSet { changes += 1 } }
    /// By the instant of creation.
    var activeRuns: [Due<Int>] = [] { didSet { changes += 1 } }
    var activeRunOfPartner: [PartnerID: Int] = [:] { didSet { changes += 1 } }
    var lastCounts: [PartnerID: [LastCountKey: LastCount]] = [:] { didSet { changes += 1 } }

    /// In the order of insertion.
    var alerts: [Alert] = [] { didSet { changes += 1 } }
    var alertNumbers: [AlertID: Int] = [:] { didSet { changes += 1 } }
    var alertNumbersByAlertID: [PartnerID: [String: Int]] = [:] { didSet { changes += 1 } }
    var alertHistory: [PartnerID: [Due<Int>]] = [:] { didSet { changes += 1 } }
    var dueAlerts: [Due<Int>] = [] { didSet { changes += 1 } }

    var operatorKeys: [OperatorKeyID: OperatorKey] = [:] { didSet { changes += 1 } }
    var operatorKeyByHash: [String: OperatorKeyID] = [:] { didSet { changes += 1 } }
    var sessions: [String: WebSession] = [:] { didSet { changes += 1 } }
    var nonces: [String: Date] = [:] { didSet { changes += 1 } }
    var launchLinks: [String: LaunchLink] = [:] { didSet { changes += 1 } }
    /// The entry with sequence 1 first.
    var audit: [AuditEntry] = [] { didSet { changes += 1 } }

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
