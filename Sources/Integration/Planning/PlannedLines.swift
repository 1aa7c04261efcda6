import Connectors
import Foundation
import Store

/// The lines of a plan, each made when it is asked for. 100,000 of them are 27 MB when all are there, and were the peak of a large
/// run's memory; as entries they are 4 MB.
struct PlannedLines: RandomAccessCollection, Sendable, Hashable {
    struct Entry: Sendable, Hashable {
        /// Index into `accounts`.
        var account: Int32
        /// Index into `services`.
        var service: Int32
        var rawCount: Decimal
        var state = UsageLineState.planned

        /// Why a count that is there is not sent; nil where that goes without saying. No client of Synthesize rounds (contract, section 11
        /// on `unitCount`), so that 0.99 is not 1.
        var reason: String? {
            guard rawCount > 0, rawCount < 1, state != .planned else { return nil }
            let standing = state == .droppedToZero ? " What Synthesize accepted before still stands there." : ""
            return "The count is \(rawCount). Counts below 1 are not sent, as Gradient asks, and Perch does not round them up.\(standing)"
        }
    }

    private struct Service: Sendable, Hashable {
        var id: String
        var name: String
        var basis: LineBasis?
    }

    let run: SyncRunID
    var accounts: [VendorAccount]
    var entries: [Entry] = []
    private var services: [Service] = []
    private var serviceByName: [String: Int32] = [:]

    init(run: SyncRunID, accounts: [VendorAccount]) {
        self.run = run
        self.accounts = accounts
    }

    /// The index of a service under a name as the vendor, or the last sync, wrote it.
    mutating func service(_ id: String, _ name: String, _ basis: LineBasis?) -> Int32 {
        if let known = serviceByName[name], services[Int(known)].id == id { return known }
        let index = Int32(services.count)
        services.append(Service(id: id, name: name, basis: basis))
        serviceByName[name] = index
        return index
    }

    var startIndex: Int { 0 }
    var endIndex: Int { entries.count }

    subscript(position: Int) -> UsageLine {
        let entry = entries[position]
        let (account, service) = (accounts[Int(entry.account)], services[Int(entry.service)])
        var line = UsageLine(
            runID: run, position: position, accountID: account.id, accountName: account.name, serviceID: service.id,
            serviceName: service.name, basis: service.basis, rawCount: entry.rawCount,
            sentCount: entry.state == .planned ? (entry.rawCount < 1 ? 0 : entry.rawCount) : nil, state: entry.state)
        line.message = entry.reason
        return line
    }
}

/// Finds the entry of an account and a service.
struct PairIndex {
    private var accounts: [String: Int32] = [:]
    private var services: [String: Int32] = [:]
    private var positions: [UInt64: Int32] = [:]

    /// - Parameters:
    ///   - accounts: known by their order; of two with one id, the first.
    ///   - pairs: about how many there will be.
    init(_ accounts: [VendorAccount], pairs: Int) {
        positions.reserveCapacity(pairs)
        self.accounts.reserveCapacity(accounts.count)
        for (index, account) in accounts.enumerated() where self.accounts[account.id] == nil { self.accounts[account.id] = Int32(index) }
        count = Int32(accounts.count)
    }

    private var count: Int32

    func account(_ id: String) -> Int32? { accounts[id] }

    /// One more account behind the others.
    mutating func add(_ id: String) -> Int32 {
        accounts[id] = count
        count += 1
        return count - 1
    }

    /// The entry's position, which is the next free one for a pair not met before.
    mutating func position(_ account: Int32, _ serviceID: String) -> (position: Int, isNew: Bool) {
        let service = services[serviceID] ?? Int32(services.count)
        services[serviceID] = service
        let key = UInt64(UInt32(account)) << 32 | UInt64(UInt32(service))
        if let known = positions[key] { return (Int(known), false) }
        let next = positions.count
        positions[key] = Int32(next)
        return (next, true)
    }
}
