import Connectors
import Foundation
import Integration
import Sandbox
import Store

/// What partners, operators and the vendor's customers do.
extension History {
    func scheduleAction(of partner: Int, within span: Duration) {
        engine.after(span * random.uniform()) { [self] in
            guard !isSettling else { return }
            act(partner)
            // Some do two things at once.
            if random.uniform() < 0.25 { actInHaste(partner) }
            scheduleAction(of: partner, within: plan.betweenActions * 2)
        }
    }

    private func actInHaste(_ partner: Int) {
        // What is asked later begins later, on a slow disk too.
        let gap = world.hasSlowDisk ? World.longestWrite * 5 : .milliseconds(1)
        guard world.partners[partner].id != nil, random.uniform() < 0.3 else {
            engine.after(gap + .seconds(3) * random.uniform()) { [self] in if !isSettling { act(partner) } }
            return
        }
        // After what was asked just now.
        engine.after(gap) { [self] in if !isSettling { connect(partner) } }
        engine.after(gap * 2 + .milliseconds(700) * random.uniform()) { [self] in if !isSettling { disable(partner) } }
    }

    /// Perch is there for everybody from now on, and the vendor says so.
    func announce() {
        engine.after(.seconds(1800) * random.uniform()) { [self] in
            if random.uniform() < 0.5 { weather(.storm, "a storm", hours: 1) }
            for partner in world.partners.indices {
                engine.after(.seconds(3) * random.uniform()) { [self] in if world.partners[partner].id == nil { connect(partner) } }
            }
        }
    }

    private func act(_ partner: Int) {
        guard world.partners[partner].id != nil else { return connect(partner) }
        switch random.number(below: 20) {
        case 0...3: changeCustomers(partner)
        case 4: loseCustomers(partner)
        case 5...7: mapEverything(partner)
        case 8...11: syncNow(partner)
        case 12: disable(partner)
        case 13: if random.uniform() < 0.5 { newKey(partner) } else { changesKeyAtNextCount.insert(partner) }
        case 14: disconnect(partner)
        case 15: changeSchedule(partner)
        case 16: testAlert(partner)
        case 17: sendZeros(partner)
        case 18: release(partner)
        default: connect(partner)
        }
    }

    /// Asks the service for something, when it is there.
    private func ask(_ partner: Int, _ what: String, _ body: @escaping @Sendable (PerchProcess, PartnerID) async throws -> Void) {
        guard let process else { return }
        judge.note("partner \(partner): \(what)")
        Task { [self] in
            do {
                guard let id = try await known(partner, process) else { return }
                try await body(process, id)
                judge.note("partner \(partner): \(what): done")
            } catch let error as IntegrationError {
                judge.note("partner \(partner): \(what): \(error)")
                if error.code == .store || error.code == .secrets { judge.violate("a defect showed: \(error)") }
            } catch {
                judge.violate("a defect showed: \(error)")
            }
        }
    }

    /// The partner's id, made when the service does not know it yet.
    func known(_ index: Int, _ process: PerchProcess) async throws -> PartnerID? {
        let partner = world.partners[index]
        let reference = "ref-\(partner.number)"
        if let id = try process.store.partner(vendorReference: reference)?.id {
            world.partners[index].id = id
            return id
        }
        world.partners[index].id = nil
        let id = try await process.desk.createPartner(
            vendorReference: reference, name: "MSP \(partner.number)", timeZone: partner.timeZone, by: .launch
        ).id
        world.partners[index].id = id
        return id
    }

    /// The key that Synthesize shows; made anew when the partner has disconnected there.
    func currentKey(of index: Int) -> String {
        let id = world.partners[index].organizationID
        do {
            let organization = try world.synthesize.model.organization(id)
            let key =
                try organization.partnerKey?.value
                ?? world.synthesize.model.generatePartnerKey(organization: id, at: world.time.now).partnerKey
            world.partners[index].partnerKey = key
            judge.learn(partner: index, key: key)
            return key
        } catch {
            judge.violate("the sandbox lost an organization: \(error)")
            return ""
        }
    }

    func connectRequest(_ index: Int, _ key: String) -> ConnectRequest {
        ConnectRequest(partnerKey: key, fields: ["apiKey": world.partners[index].vendorKey])
    }

    private func connect(_ index: Int) {
        ask(index, "connects") { [self] process, id in
            let request = connectRequest(index, currentKey(of: index))
            judge.wakes(partner: index)
            try await process.desk.connect(id, request, by: .partner(id, address: nil))
        }
    }

    private func syncNow(_ index: Int) {
        ask(index, "presses Sync Now") { process, id in
            _ = try await process.desk.startSync(id, by: .partner(id, address: nil))
        }
    }

    private func sendZeros(_ index: Int) {
        ask(index, "sends zeros") { process, id in
            _ = try await process.desk.sendZeros(id, by: .partner(id, address: nil))
        }
    }

    /// An operator lets a held run go on.
    private func release(_ index: Int) {
        ask(index, "gets its held run released") { process, id in
            guard let run = try await process.desk.syncRuns(id, before: nil, limit: 1).first else { return }
            _ = try await process.desk.releaseRun(run.id, by: .commandLine)
        }
    }

    private func disable(_ index: Int) {
        let wakings = judge.wakings(of: index)
        ask(index, "disables") { [self] process, id in
            try await process.desk.disable(id, by: .partner(id, address: nil))
            judge.falls(silent: index, askedAfter: wakings)
        }
    }

    private func testAlert(_ index: Int) {
        ask(index, "sends a test alert") { process, id in
            _ = try await process.desk.sendTestAlert(id, by: .partner(id, address: nil))
        }
    }

    private func changeSchedule(_ index: Int) {
        let cadence = Cadence.allCases[random.number(below: Cadence.allCases.count)]
        let choice = ScheduleChoice(
            cadence: cadence, weekday: 1 + random.number(below: 7), dayOfMonth: 1 + random.number(below: 31),
            minuteOfDay: 15 * random.number(below: 96), timeZone: world.partners[index].timeZone)
        ask(index, "wants \(cadence) at minute \(choice.minuteOfDay)") { process, id in
            _ = try await process.desk.saveSchedule(id, choice, by: .partner(id, address: nil))
        }
    }

    // MARK: In Synthesize

    /// Generates a new key there; Perch does not know it until somebody pastes it.
    func newKey(_ index: Int) {
        judge.note("partner \(index): generates a new key in Synthesize")
        do {
            let keys = try world.synthesize.model.generatePartnerKey(
                organization: world.partners[index].organizationID, at: world.time.now)
            judge.learn(partner: index, key: keys.partnerKey)
        } catch { judge.violate("the sandbox: \(error)") }
    }

    private func disconnect(_ index: Int) {
        judge.note("partner \(index): disconnects in Synthesize")
        do {
            try world.synthesize.model.disconnect(organization: world.partners[index].organizationID, at: world.time.now)
        } catch { judge.violate("the sandbox: \(error)") }
    }

    func mapEverything(_ index: Int) {
        judge.note("partner \(index): maps everything")
        do {
            try world.synthesize.model.mapEverything(organization: world.partners[index].organizationID, at: world.time.now)
        } catch { judge.violate("the sandbox: \(error)") }
    }

    // MARK: At the vendor

    /// By accident, or because the vendor tells only half of the truth.
    private func loseCustomers(_ index: Int) {
        judge.note("partner \(index): most of its customers are gone")
        let list = world.vendor.customers[world.partners[index].vendorKey] ?? []
        world.vendor.customers[world.partners[index].vendorKey] = list.filter { _ in random.uniform() < 0.3 }
    }

    private func changeCustomers(_ index: Int) {
        let key = world.partners[index].vendorKey
        var list = world.vendor.customers[key] ?? []
        judge.note("partner \(index): its customers change")
        switch random.number(below: 6) {
        case 0:
            judge.customersMade += 1
            list.append(("n\(judge.customersMade)", .init(name: "New \(judge.customersMade)", counts: world.drawCounts())))
        case 1 where !list.isEmpty: list.remove(at: random.number(below: list.count))
        case 2 where !list.isEmpty: list[random.number(below: list.count)].customer.name += "!"
        default: for position in list.indices where random.uniform() < 0.6 { list[position].customer.counts = world.drawCounts() }
        }
        world.vendor.customers[key] = list
    }
}
