import Connectors
import Foundation
import HTTPClient
import Logging
import Secrets
import Store
import Synchronization
import Synthesize
import Testing

@testable import Integration

/// One Perch over a real SQLite file, with Synthesize and the vendor played and the clock in the test's hand.
final class Installation: Sendable {
    struct Settings: Sendable {
        var policy = IntegrationPolicy(parallelCounts: 4, scheduleSpread: .zero, lineRetention: nil)
        var retry = RetryPolicy(maximumAttempts: 3, firstDelay: .milliseconds(100), maximumDelay: .seconds(1), spread: 0)
        var callsPerSecond = 0.0
        /// Sleeps up to this long need no `advance`: tries that are repeated, but no poll, heartbeat or grace.
        var passesAlone = Duration.seconds(2)
        /// False: nothing works on runs, schedules and alerts until `startWorking`.
        var works = true
        var logger = quietLogger
    }

    /// What outlives a process: the world outside, and the operator's key.
    struct World: Sendable {
        let journal = Journal()
        let clock: VirtualClock
        let synthesize: PlayedSynthesize
        let vendor: PlayedVendor
        let keyRing: KeyRing
        let root: String

        init(root: String, passesAlone: Duration) throws {
            clock = VirtualClock(start: Sample.now, passesAlone: passesAlone)
            synthesize = PlayedSynthesize(journal: journal)
            vendor = PlayedVendor(journal: journal)
            keyRing = try KeyRing.create(master: .generate(random: .seeded(7)), random: .seeded(8), at: Sample.now).0
            self.root = root
            vendor.setCustomers(3)
        }
    }

    let world: World
    let settings: Settings
    let directory: String
    let store: SQLiteStore
    let desk: Desk
    private let generation: Int
    private let work = Mutex<Task<Void, Never>?>(nil)
    private let successors = Mutex<[Installation]>([])

    var synthesize: PlayedSynthesize { world.synthesize }
    var vendor: PlayedVendor { world.vendor }
    var clock: VirtualClock { world.clock }

    init(_ world: World, _ settings: Settings, directory: String, generation: Int = 0) throws {
        self.world = world
        self.settings = settings
        self.directory = directory
        self.generation = generation
        store = try SQLiteStore(directory: directory, migrationsDirectory: migrationsDirectory, logger: quietLogger)
        let time = world.clock.source
        // A process never draws the numbers of the one before.
        let random = RandomSource.seeded(UInt64(generation + 1))
        desk = Desk(
            IntegrationEnvironment(
                store: store, keyRing: world.keyRing, connector: world.vendor,
                synthesize: .init(
                    baseURL: "https://synthesize.example", http: world.synthesize,
                    pacer: Pacer(callsPerSecond: settings.callsPerSecond, time: time), time: time, random: random,
                    retry: settings.retry),
                vendorKey: Secret("vendor-secret-key"), time: time, random: random, policy: settings.policy, logger: settings.logger))
        if settings.works { startWorking() }
    }

    func startWorking() {
        work.withLock { [desk] in $0 = Task { await desk.run() } }
    }

    /// What a stop signal does: returns when everything is put down in order.
    func stopWorking() async {
        let task = work.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    /// Ends this process in order and starts the next over the same files.
    func restarted(works: Bool = true) async throws -> Installation {
        await stopWorking()
        try await store.close()
        return try successor(in: directory, works: works)
    }

    /// A new process over what a crash at this instant leaves on disk. The old one goes on in its own directory, unseen.
    func afterCrash(works: Bool = true) throws -> Installation {
        let directory = world.root + "/crash-\(generation + 1)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for name in ["perch.sqlite", "perch.sqlite-wal"] {
            try FileManager.default.copyItem(atPath: self.directory + "/" + name, toPath: directory + "/" + name)
        }
        return try successor(in: directory, works: works)
    }

    private func successor(in directory: String, works: Bool) throws -> Installation {
        var settings = settings
        settings.works = works
        let next = try Installation(world, settings, directory: directory, generation: generation + 1)
        successors.withLock { $0.append(next) }
        return next
    }

    fileprivate func shutDown() async throws {
        world.clock.letPass()
        for next in successors.withLock({ $0 }) { try await next.shutDown() }
        await stopWorking()
        try await store.close()
    }
}

/// Runs the body with a new installation, which is stopped and removed afterwards.
func withInstallation(
    _ change: (inout Installation.Settings) -> Void = { _ in }, _ body: (Installation) async throws -> Void
) async throws {
    let root = FileManager.default.temporaryDirectory
        .appending(path: RandomSource.system.identifier(prefix: "perch-integration-")).path(percentEncoded: false)
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    var settings = Installation.Settings()
    change(&settings)
    let installation = try Installation(.init(root: root, passesAlone: settings.passesAlone), settings, directory: root + "/data")
    do {
        try await body(installation)
    } catch {
        try await installation.shutDown()
        throw error
    }
    try await installation.shutDown()
}

/// The files of the product.
let migrationsDirectory = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "migrations").path(percentEncoded: false)

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
