import Foundation
import Logging
import Sandbox
import Secrets

/// Everything outside the service: time, Synthesize, the vendor's platform, the partners, and the operator's secret key.
///
/// Unchecked: as `Engine`.
final class World: @unchecked Sendable {
    static let callsPerSecond = 100.0

    let seed: UInt64
    let engine: Engine
    let time: SimulatedTime
    let synthesize: SimulatedSynthesize
    let vendor: SimulatedVendor
    let keyRing: KeyRing
    let vendorKey = "vendor-key-of-the-simulation"
    let logger: Logger
    var partners: [SimulatedPartner] = []

    init(seed: UInt64, plan: HistoryPlan, logger: Logger) throws {
        self.seed = seed
        self.logger = logger
        engine = .start(seed: seed)
        time = SimulatedTime(engine)
        var profile = SandboxSeed.empty
        profile.vendor.apiKey = vendorKey
        let model = SandboxModel(seed: profile, randomSeed: seed, at: SimulatedTime.start)
        synthesize = SimulatedSynthesize(engine: engine, time: time, model: model)
        vendor = SimulatedVendor(engine)
        keyRing = try KeyRing.create(master: .generate(random: .seeded(1)), random: .seeded(2), at: SimulatedTime.start).0
        for number in 0..<plan.partners { addPartner(number, customers: 1 + engine.random.number(below: plan.customers)) }
    }

    private func addPartner(_ number: Int, customers: Int) {
        let keys = synthesize.model.createOrganization(.init(name: "MSP \(number)"), at: time.now)
        let partner = SimulatedPartner(
            number: number, organizationID: keys.organizationID, partnerKey: keys.partnerKey,
            timeZone: SimulatedPartner.zones[number % SimulatedPartner.zones.count])
        partners.append(partner)
        vendor.customers[partner.vendorKey] = (0..<customers).map { index in
            ("c\(index)", SimulatedVendor.Customer(name: "Customer \(index)", counts: drawCounts()))
        }
    }

    func drawCounts() -> [String: Decimal] {
        var counts: [String: Decimal] = [:]
        for service in SimulatedVendor.services where engine.random.uniform() < 0.8 {
            counts[service.name] = Decimal(engine.random.number(below: 60)) + (engine.random.uniform() < 0.1 ? Decimal(0.5) : 0)
        }
        return counts
    }
}
