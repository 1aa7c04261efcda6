import Foundation
import Logging
import Sandbox
import Secrets

/// Everything outside the service: time, Synthesize, the vendor's platform, the partners, and the operator's secret key.
///
/// Unchecked: as `Engine`.
final class World: @unchecked Sendable {
    /// Gradient's limit, or one that a few partners reach.
    private static let limits = [100.0, 100, 12, 3, 0.8]

    /// Of a slow disk.
    static let longestWrite = Duration.milliseconds(250)

    let seed: UInt64
    let callsPerSecond: Double
    let hasSlowDisk: Bool
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
        callsPerSecond = Self.limits[engine.random.number(below: Self.limits.count)]
        hasSlowDisk = plan.hasSlowDisks && engine.random.uniform() < 0.25
        var profile = SandboxSeed.empty
        profile.vendor.apiKey = vendorKey
        let model = SandboxModel(seed: profile, randomSeed: seed, at: time.start)
        synthesize = SimulatedSynthesize(engine: engine, time: time, model: model)
        vendor = SimulatedVendor(engine, time)
        keyRing = try KeyRing.create(master: .generate(random: .seeded(1)), random: .seeded(2), at: time.start).0
        let firstZone = engine.random.number(below: SimulatedPartner.zones.count)
        for number in 0..<plan.partners {
            addPartner(number, zone: firstZone + number, customers: 1 + engine.random.number(below: plan.customers))
        }
    }

    /// Between two calls of the store: an instant, or in a world with a slow disk up to `longestWrite`.
    func disk(ofProcess process: Int) -> @Sendable () async -> Void {
        // `Task.yield` passes by the hook that the engine gets its jobs from.
        guard hasSlowDisk else { return { await Task {}.value } }
        let time = time.source(ofProcess: process)
        return {
            do {
                try await time.sleep(Self.longestWrite * self.engine.random.uniform())
            } catch {
                // A task that was cancelled does not wait.
            }
        }
    }

    private func addPartner(_ number: Int, zone: Int, customers: Int) {
        let keys = synthesize.model.createOrganization(.init(name: "MSP \(number)"), at: time.now)
        let partner = SimulatedPartner(
            number: number, organizationID: keys.organizationID, partnerKey: keys.partnerKey,
            timeZone: SimulatedPartner.zones[zone % SimulatedPartner.zones.count])
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
