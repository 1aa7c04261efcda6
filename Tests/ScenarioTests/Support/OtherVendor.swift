import Logging
import Sandbox

/// A second simulated SaaS Alerts, for partners whose customers are others'. Its Synthesize is not used.
func withVendor(of stage: Stage, _ customers: [Customer], _ play: (SandboxHand) async throws -> Void) async throws {
    var seed = SandboxSeed.empty
    seed.saasAlerts = SaaSAlertsConfiguration(apiKey: "another-saas-alerts-key", customers: customers.map(\.record))
    let server = SandboxServer(
        configuration: SandboxConfiguration(seed: seed),
        logger: Logger(label: "vendor", factory: { _ in SwiftLogNoOpLogHandler() }))
    let url = "http://\(try await server.start())"
    do {
        try await play(SandboxHand(server: server, url: url, client: stage.client))
    } catch {
        await server.stop(deadline: .zero)
        throw error
    }
    await server.stop(deadline: .zero)
}
