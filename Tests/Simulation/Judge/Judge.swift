import Foundation
import HTTPClient
import HTTPTypes
import Sandbox
import Store

/// Watches every call and holds it against what Perch promises.
///
/// Unchecked: as `Engine`.
final class Judge: @unchecked Sendable, SimulatedSynthesize.Witness {
    let world: World
    weak var history: History?
    private(set) var violations: [String] = []
    /// What happened, for whoever reads how it came about.
    private(set) var story: [String] = []
    /// Differs when two histories of one seed differ.
    private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var calls = 0
    private(set) var counts = 0
    private(set) var mostArrivalsInASecond = 0
    var customersMade = 0
    private(set) var hasClockJumped = false

    private let isVerbose: Bool
    private var partnerOfToken: [String: Int] = [:]
    /// Inserts that may have happened, and nobody has looked since.
    private var doubts: Set<String> = []
    /// Partners who were told that Perch has stopped for them.
    private var silent: Set<Int> = []
    /// Answers 401 since somebody last entered a key.
    private var refusals: [Int: Int] = [:]
    private var arrivals: [Duration] = []

    init(world: World, isVerbose: Bool) {
        (self.world, self.isVerbose) = (world, isVerbose)
        for (index, partner) in world.partners.enumerated() { learn(partner: index, key: partner.partnerKey) }
    }

    func note(_ text: @autoclosure () -> String) {
        guard isVerbose else { return }
        story.append("\(ISO8601DateFormatter().string(from: world.time.now)) +\(world.engine.elapsed.seconds) \(text())")
        print(story.last ?? "")
    }

    func violate(_ text: String) {
        note("VIOLATION: \(text)")
        violations.append(text)
    }

    func learn(partner: Int, key: String) {
        partnerOfToken[Data("\(world.vendorKey):\(key)".utf8).base64EncodedString()] = partner
    }

    func wakes(partner: Int) {
        silent.remove(partner)
        refusals[partner] = 0
    }

    func falls(silent partner: Int) { silent.insert(partner) }
    func clockJumped() { hasClockJumped = true }

    // MARK: Calls

    func departs(_ call: SimulatedSynthesize.Call) {
        calls += 1
        guard let partner = partnerOfToken[call.token] else { return violate("a call with a key that nobody was given: \(call.path)") }
        let act = Act(call)
        note("partner \(partner): > \(call.method) \(call.path) \(String(decoding: call.body, as: UTF8.self))")
        if silent.contains(partner), act.isSync {
            violate("partner \(partner) was told that Perch has stopped, and Perch went on: \(call.method) \(call.path)")
        }
        switch act {
        case .count(let service, let account, let count):
            counts += 1
            expectIntent(partner, service, account, count, call)
        case .createAccounts(let ids): for id in ids { doubt("\(partner)/account/\(id)") }
        case .createService(let name): doubt("service/\(name.lowercased())")
        default: break
        }
    }

    /// Promise 1: no number goes out that was not written down first.
    private func expectIntent(_ partner: Int, _ service: String, _ account: String, _ count: Decimal, _ call: SimulatedSynthesize.Call) {
        guard let process = history?.process, process.number == call.process, let id = world.partners[partner].id else {
            return violate("a count left without a process")
        }
        do {
            guard let run = try process.store.activeRun(id) else {
                return violate("partner \(partner): a count left without a run: \(account)/\(service)")
            }
            let intents = try process.store.lines(run.id, states: [.sending], after: nil, limit: 1000)
            let isWritten = intents.contains { $0.accountID == account && $0.serviceID == service && $0.sentCount == count }
            if !isWritten { violate("partner \(partner): \(count) for \(account)/\(service) left without an intent in the ledger") }
            expectTruth(partner, service, account, count, run)
        } catch {
            violate("the ledger could not be read: \(error)")
        }
    }

    /// Promise 3: a count is what the vendor told this run, and zeros are sent only where somebody asked for them.
    private func expectTruth(_ partner: Int, _ service: String, _ account: String, _ count: Decimal, _ run: SyncRun) {
        if run.purpose == .zeros {
            if count != 0 { violate("partner \(partner): a run of zeros sent \(count)") }
            return
        }
        let name = world.synthesize.model.vendor.services.first { $0.id == service }?.name
        let told = world.vendor.lastRead[world.partners[partner].vendorKey]?.first { $0.id == account }?.customer.counts[name ?? ""]
        if told != count || count < 1 {
            violate(
                "partner \(partner): \(count) was sent for \(account)/\(name ?? service), the vendor told \(told.map { "\($0)" } ?? "nothing")"
            )
        }
    }

    /// Promise 2: no insert is repeated blindly.
    private func doubt(_ insert: String) {
        if !doubts.insert(insert).inserted { violate("repeated blindly: \(insert)") }
    }

    func arrives(_ call: SimulatedSynthesize.Call, answer: Int) {
        let now = world.engine.elapsed
        for byte in "\(now) \(call.path) \(answer)".utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        arrivals.append(now)
        if let first = arrivals.firstIndex(where: { $0 > now - .seconds(1) }), first > 0 { arrivals.removeFirst(first) }
        mostArrivalsInASecond = max(mostArrivalsInASecond, arrivals.count)
        guard let partner = partnerOfToken[call.token], answer == 401 else { return }
        refusals[partner, default: 0] += 1
        // One run has at most its counts in flight when the first 401 comes.
        if refusals[partner, default: 0] > 40 { violate("partner \(partner): a refused key was used again and again") }
    }

    func returns(_ call: SimulatedSynthesize.Call, _ result: Result<IncomingResponse, HTTPClientError>) {
        guard let partner = partnerOfToken[call.token] else { return }
        note("partner \(partner): < \(call.method) \(call.path) \(result.words)")
        switch (Act(call), result) {
        case (.createAccounts(let ids), _) where result.isCertainlyWithoutEffect:
            for id in ids { doubts.remove("\(partner)/account/\(id)") }
        case (.createService(let name), _) where result.isCertainlyWithoutEffect: doubts.remove("service/\(name.lowercased())")
        case (.listAccounts, .success(let answer)) where answer.isReadable:
            doubts = doubts.filter { !$0.hasPrefix("\(partner)/account/") }
        case (.readVendor, .success(let answer)) where answer.isReadable: doubts = doubts.filter { !$0.hasPrefix("service/") }
        default: break
        }
    }

    // MARK: The end

    func judgeTheEnd(_ store: any Store) async {
        for (index, partner) in world.partners.enumerated() {
            guard let id = partner.id else { continue }
            do {
                try await judgeCounts(index, partner, id, store)
                try await judgeRuns(index, id, store)
            } catch {
                violate("partner \(index) cannot be read: \(error)")
            }
        }
    }

    /// What stands in Synthesize is what the vendor counts, and what the ledger says was accepted.
    private func judgeCounts(_ index: Int, _ partner: SimulatedPartner, _ id: PartnerID, _ store: any Store) async throws {
        let services = Dictionary(
            world.synthesize.model.vendor.services.map { ($0.name, $0.id) }, uniquingKeysWith: { first, _ in first })
        let last = Dictionary(
            try await store.lastCounts(id).map { ("\($0.accountID)/\($0.serviceID)", $0.count) }, uniquingKeysWith: { $1 })
        for (account, service, count) in world.vendor.truth(partner.vendorKey) {
            guard let serviceID = services[service] else { return violate("there is no service \(service)") }
            let standing = try world.synthesize.model.unitCount(
                organization: partner.organizationID, accountID: account, serviceID: serviceID)
            if standing.map({ Decimal($0.value) }) != count {
                violate(
                    "partner \(index): \(account)/\(service) is \(count), Synthesize has \(standing.map { "\($0.value)" } ?? "nothing")")
            }
            if last["\(account)/\(serviceID)"] != count {
                violate("partner \(index): the ledger does not say that \(count) was accepted for \(account)/\(service)")
            }
        }
    }

    private func judgeRuns(_ index: Int, _ id: PartnerID, _ store: any Store) async throws {
        var cursor: SyncRunID?
        while true {
            let runs = try await store.runs(id, purposes: Set(RunPurpose.allCases), before: cursor, limit: 200)
            guard let last = runs.last else { return }
            for run in runs {
                if run.state.isActive { violate("partner \(index): run \(run.id) never ended") }
                if run.tally.open != 0 { violate("partner \(index): run \(run.id) ended with open lines") }
                if run.state == .succeeded, run.tally.rejected + run.tally.failed + run.tally.notSent > 0 {
                    violate("partner \(index): run \(run.id) says succeeded, and is not")
                }
            }
            cursor = last.id
        }
    }
}

/// A call in the contract's terms.
private enum Act {
    case count(service: String, account: String, Decimal)
    case createAccounts([String])
    case createService(String)
    case listAccounts
    case readVendor
    case otherWrite
    case read

    /// Whether it is part of keeping Synthesize up to date, which stops when a partner disables.
    var isSync: Bool {
        switch self {
        case .count, .createAccounts, .createService: true
        default: false
        }
    }

    init(_ call: SimulatedSynthesize.Call) {
        let parts = call.path.split(separator: "/").map { $0.removingPercentEncoding ?? "" }
        self =
            switch (call.method, parts.first, parts.count) {
            case (.post, "service", 3): Self.count(parts[1], call.body)
            case (.post, "organization", 2): .createAccounts(Self.objects(call.body).map { $0.id ?? "" })
            case (.post, "service", 1): .createService(Self.objects(call.body).first?.name ?? "")
            case (.get, "organization", 2) where parts[1] == "accounts": .listAccounts
            case (.get, nil, _): .readVendor
            case (.get, _, _): .read
            default: .otherWrite
            }
    }

    private struct Object: Decodable {
        var id: String?
        var name: String?
        var accountId: String?
        var unitCount: Decimal?
    }

    private static func objects(_ body: [UInt8]) -> [Object] {
        let data = Data(body)
        if let list = try? JSONDecoder().decode([Object].self, from: data) { return list }
        return (try? JSONDecoder().decode(Object.self, from: data)).map { [$0] } ?? []
    }

    private static func count(_ service: String, _ body: [UInt8]) -> Act {
        let object = objects(body).first
        return .count(service: service, account: object?.accountId ?? "", object?.unitCount ?? -1)
    }
}

extension Result<IncomingResponse, HTTPClientError> {
    /// Nothing was inserted: it never left, or was refused. 409 is no refusal: the thing may be there because of us.
    fileprivate var isCertainlyWithoutEffect: Bool {
        switch self {
        case .success(let answer): (400..<500).contains(answer.status.code) && answer.status.code != 409
        case .failure(let error): error.delivery == .neverSent
        }
    }

    fileprivate var words: String {
        switch self {
        case .success(let answer): "\(answer.status.code)"
        case .failure(let error): "\(error)"
        }
    }
}

extension IncomingResponse {
    fileprivate var isReadable: Bool {
        status.kind == .successful && (try? JSONSerialization.jsonObject(with: Data(body))) != nil
    }
}
