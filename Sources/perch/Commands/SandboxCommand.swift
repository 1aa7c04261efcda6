import ArgumentParser
import Foundation
import Logging
import Sandbox
import ServiceLifecycle

struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox", abstract: "Run the simulated Synthesize alone.",
        discussion: "All calls of the vendor API, simulated vendor APIs, pages to map and look, and a control API for tests.")

    @Option(help: "Address to listen on.") var host = "127.0.0.1"
    @Option(help: "Port to listen on; 0 takes any free one.") var port = 8090
    @Option(help: "The vendor's key for Synthesize and SaaS Alerts alike; made up when left out.") var vendorKey: String?
    @Flag(help: "Begin without a partner.") var empty = false
    @Flag(help: "Print one line of JSON instead of text.") var json = false

    func run() async throws {
        try await Console.reporting {
            let logger = Logger(label: "sandbox") { StreamLogHandler.standardError(label: $0) }
            var seed = empty ? SandboxSeed.empty : .demo
            if let vendorKey {
                seed.vendor.apiKey = vendorKey
                seed.saasAlerts.apiKey = vendorKey
            }
            var configuration = SandboxConfiguration(port: port, seed: seed)
            configuration.host = host
            let sandbox = SandboxServer(configuration: configuration, logger: logger)
            let address = "http://\(try await sandbox.start())"
            let announcement: Announcement
            if json {
                let line = try JSONEncoder().encode([
                    "sandbox": address, "vendorAPIKey": sandbox.vendorAPIKey, "saasAlertsAPIKey": sandbox.saasAlertsAPIKey,
                ])
                announcement = Announcement(line: String(decoding: line, as: UTF8.self))
            } else {
                announcement = Announcement(line: "The sandbox listens on \(address)")
            }
            try await ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [SandboxService(sandbox: sandbox), announcement],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            ).run()
        }
    }
}

/// Keeps a sandbox up until the process is told to stop.
private struct SandboxService: Service {
    let sandbox: SandboxServer

    func run() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        await withTaskCancellationOrGracefulShutdownHandler {
            for await _ in stream { return }
        } onCancelOrGracefulShutdown: {
            continuation.finish()
        }
        await sandbox.stop()
    }
}
