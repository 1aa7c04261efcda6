import ArgumentParser
import Logging
import Metrics
import Portal
import ServiceLifecycle

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the service: partner page, admin API, scheduler.")

    @OptionGroup var settings: SettingOptions
    @Option(help: "Address to listen on.") var host: String?
    @Option(help: "Port to listen on; 0 takes any free one.") var port: Int?

    func run() async throws {
        ProcessStart.prepare()
        try await Console.reporting {
            var own: [String: String] = [:]
            if let host { own["PERCH_HOST"] = host }
            if let port { own["PERCH_PORT"] = "\(port)" }
            let configuration = try settings.configuration(own)
            let dependencies = try Dependencies.live(configuration, logLevel: .info)
            MetricsSystem.bootstrap(dependencies.metrics)
            let application = try await buildApplication(configuration: configuration, dependencies: dependencies)
            let address: String
            do {
                address = try await application.start()
            } catch {
                try await application.store.close()
                throw error
            }
            try await runUntilSignalled(
                application, configuration, dependencies, announcing: "perch listens on \(address)")
        }
    }
}

/// Runs until SIGTERM or SIGINT; a stop that takes longer than the stop deadline and a little is cut short, for the next start to
/// repair.
func runUntilSignalled(
    _ application: Application, _ configuration: Configuration, _ dependencies: Dependencies, announcing line: String
) async throws {
    OpenFiles.raiseLimit()
    var group = ServiceGroupConfiguration(
        services: [application, Announcement(line: line), StartupMemory(time: dependencies.time)],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: dependencies.logger)
    group.maximumGracefulShutdownDuration = configuration.stopDeadline + .seconds(10)
    try await ServiceGroup(configuration: group).run()
}

/// Prints a line when the group that it is in hears signals: a supervisor may send one as soon as it has read the line.
struct Announcement: Service {
    let line: String

    func run() async throws {
        Console.say(line)
        try await gracefulShutdown()
    }
}
