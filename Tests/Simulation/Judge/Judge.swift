import Foundation
import HTTPClient
import HTTPTypes
import MemoryStore
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
    /// The inserts that have left and may have had an effect, by what they insert: the calls' numbers.
    private var inserts: [String: Set<Int>] = [:]
    /// By process, partner and list: the number of the last call that brought the list.
    private var looked: [String: Int] = [:]
    /// Partners who were told that Perch has stopped for them.
    private(set) var silent: Set<Int> = []
    /// Partners whom the store had as disabled when the process began, whether or not somebody could still be told so.
    private var disabledAtStart: Set<Int> = []
    /// How often a partner has asked for a connect.
    private var wakings: [Int: Int] = [:]
    /// Answers 401 since somebody last entered a key.
    private var refusals: [Int: Int] = [:]
    /// When a run learned that Synthesize will not have it, by process and run: what a process was told while it died or stopped, the
    /// next has to hear itself.
    private var refusedAt: [String: Duration] = [:]
    private var departures: [Duration] = []
    private var departing = 0
    private var arrivals: [Duration] = []
    /// Runs of which some count has left.
    private var sendingRuns: Set<SyncRunID> = []
    var deaths = Deaths()
    var expectations: [Int: Expectation] = [:]

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
        disabledAtStart.remove(partner)
        refusals[partner] = 0
        wakings[partner, default: 0] += 1
    }

    /// How often somebody asked to connect the partner; to be told to `falls` when what began now has ended.
    func wakings(of partner: Int) -> Int { wakings[partner, default: 0] }

    /// Perch has told that it stopped. Who has asked to connect since the question has changed his mind.
    func falls(silent partner: Int, askedAfter wakings: Int) {
        if wakings == self.wakings(of: partner) { silent.insert(partner) }
    }

    /// A process begins with what is stored.
    func begins(with store: MemoryStore) {
        disabledAtStart = []
        for (index, partner) in world.partners.enumerated() {
            guard let id = partner.id else { continue }
            do {
                if try store.partner(id) != nil, try store.connection(id).state == .disabled { disabledAtStart.insert(index) }
            } catch {
                violate("the store could not be read: \(error)")
            }
        }
    }

    func clockJumped() { hasClockJumped = true }

    // MARK: Calls

    func departs(_ call: SimulatedSynthesize.Call) {
        calls += 1
        expectPace(call)
        guard let partner = partnerOfToken[call.token] else { return violate("a call with a key that nobody was given: \(call.path)") }
        let act = Act(call)
        note("partner \(partner): > \(call.method) \(call.path) \(String(decoding: call.body, as: UTF8.self))")
        if silent.contains(partner), act.isSync {
            violate("partner \(partner) was told that Perch has stopped, and Perch went on: \(call.method) \(call.path)")
        }
        if disabledAtStart.contains(partner), act.isSync {
            violate("partner \(partner) was disabled before the process began, and it went on: \(call.method) \(call.path)")
        }
        switch act {
        case .count(let service, let account, let count):
            counts += 1
            history?.countLeaves(of: partner)
            expectIntent(partner, service, account, count, call)
        case .createAccounts(let ids): for id in ids { expectLook("\(partner)/account/\(id)", partner, call) }
        case .createService(let name): expectLook("service/\(name.lowercased())", partner, call)
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
            if let refused = refusedAt["\(call.process)/\(run.id)"], refused < world.engine.elapsed {
                violate("partner \(partner): Synthesize refused run \(run.id) (401 or 403), and it went on")
            }
            if deaths.mustRest(run.id) { violate("partner \(partner): run \(run.id) goes on, though Perch died twice in one place of it") }
            if sendingRuns.insert(run.id).inserted { try expectNoDrop(partner, id, run, process.store) }
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

    /// Promise 3: a large drop since the last sync waits for a person.
    private func expectNoDrop(_ partner: Int, _ id: PartnerID, _ run: SyncRun, _ store: MemoryStore) throws(StoreError) {
        guard run.purpose == .usage, !run.findings.dropAllowed else { return }
        // Not those before this run: a clock that was set back dates later ones earlier.
        let last = try store.runs(id, purposes: [.usage], before: nil, limit: 10).first { !$0.state.isActive && $0.stage >= .usage }
        var listed: [UsageLine] = []
        if let last { listed = try store.lines(last.id, states: [.droppedToZero], after: nil, limit: 1000) }
        let before = try store.lastCounts(id).filter { last in
            last.count > 0 && last.runID != run.id
                && !listed.contains { ($0.accountID, $0.serviceID) == (last.accountID, last.serviceID) }
        }
        let told = world.vendor.lastRead[world.partners[partner].vendorKey] ?? []
        let kept = before.map { last in
            let count = told.first { $0.id == last.accountID }?.customer.counts[last.serviceName] ?? 0
            return min(last.count, max(0, count))
        }
        let (unitsBefore, unitsKept) = (before.map(\.count).reduce(0, +), kept.reduce(0, +))
        if before.count >= 5, unitsKept * 2 < unitsBefore {
            violate("partner \(partner): of \(unitsBefore) units the vendor tells \(unitsKept), and run \(run.id) did not wait")
        }
    }

    /// Promise 2: no insert is repeated blindly. Whoever inserts has looked since any other insert of the same thing left.
    private func expectLook(_ insert: String, _ partner: Int, _ call: SimulatedSynthesize.Call) {
        let last = looked[Self.list(insert.hasPrefix("service/"), partner, call), default: 0]
        if inserts[insert, default: []].contains(where: { $0 > last }) { violate("partner \(partner): repeated blindly: \(insert)") }
        inserts[insert, default: []].insert(call.number)
    }

    private static func list(_ ofServices: Bool, _ partner: Int, _ call: SimulatedSynthesize.Call) -> String {
        "\(call.process)/\(partner)/\(ofServices ? "services" : "accounts")"
    }

    /// No more calls leave one process than the limit allows in any second, or in the longer time of a limit below one a second.
    private func expectPace(_ call: SimulatedSynthesize.Call) {
        let now = world.engine.elapsed
        if departing != call.process { departures = [] }
        departing = call.process
        departures.append(now)
        let window = Duration.seconds(max(1, 1 / world.callsPerSecond))
        if let first = departures.firstIndex(where: { $0 > now - window }), first > 0 { departures.removeFirst(first) }
        if Double(departures.count) > max(1, world.callsPerSecond) {
            violate("\(departures.count) calls left within \(window), \(world.callsPerSecond) a second are allowed")
        }
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
            for id in ids { inserts["\(partner)/account/\(id)"]?.remove(call.number) }
        case (.createService(let name), _) where result.isCertainlyWithoutEffect:
            inserts["service/\(name.lowercased())"]?.remove(call.number)
        case (.count, .success(let answer)) where [401, 403].contains(answer.status.code): noteRefusal(partner, call)
        case (.listAccounts, .success(let answer)) where answer.isReadable:
            note(look: Self.list(false, partner, call), call)
        case (.readVendor, .success(let answer)) where answer.isReadable: note(look: Self.list(true, partner, call), call)
        default: break
        }
    }

    private func noteRefusal(_ partner: Int, _ call: SimulatedSynthesize.Call) {
        guard let id = world.partners[partner].id, let store = history?.process?.store else { return }
        do {
            guard let run = try store.activeRun(id) else { return }
            refusedAt["\(call.process)/\(run.id)", default: world.engine.elapsed] += .zero
        } catch {
            violate("the run cannot be read: \(error)")
        }
    }

    private func note(look list: String, _ call: SimulatedSynthesize.Call) {
        looked[list] = max(looked[list, default: 0], call.number)
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
        var isRefusedLater = false
        var all: [SyncRun] = []
        while true {
            let runs = try await store.runs(id, purposes: Set(RunPurpose.allCases), before: cursor, limit: 200)
            guard let last = runs.last else { return judgeBackoff(index, all) }
            all += runs
            for run in runs {
                if run.state.isActive { violate("partner \(index): run \(run.id) never ended") }
                if run.tally.open != 0 { violate("partner \(index): run \(run.id) ended with open lines") }
                if run.state == .succeeded, run.tally.rejected + run.tally.failed + run.tally.notSent > 0 {
                    violate("partner \(index): run \(run.id) says succeeded, and is not")
                }
                // Newest first, unless a wrong clock dated them. Only a connect brings another key.
                let isRefused = run.failure?.code == "synthesize.keyRefused"
                if isRefused, isRefusedLater, !hasClockJumped {
                    violate("partner \(index): a refused key was used for another run than \(run.id)")
                }
                isRefusedLater = run.purpose != .connect && (isRefused || isRefusedLater)
                // By a wrong clock a lease may end under a process that lives.
                if run.failure?.code == "run.parked", !hasClockJumped, deaths.ofRun[run.id, default: 0] < 2 {
                    violate("partner \(index): run \(run.id) was parked, and Perch did not die twice of it")
                }
                try await judgeFailures(index, run, store)
            }
            cursor = last.id
        }
    }
}

extension Judge {
    /// A line fails for what happened on the way; that an account has no mapping is no failure.
    private func judgeFailures(_ index: Int, _ run: SyncRun, _ store: any Store) async throws {
        guard run.tally.failed > 0 else { return }
        for line in try await store.lines(run.id, states: [.failed], after: nil, limit: 1000) where line.httpStatus == 404 {
            violate("partner \(index): \(line.accountID)/\(line.serviceID) has no mapping, and is told as failed")
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
