import ArgumentParser
import Portal

/// `perch`: the service and its tools.
@main
struct PerchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perch",
        abstract: "Sends your partners' accounts, usage and alerts to Gradient MSP's Synthesize.",
        version: Perch.version,
        groupedSubcommands: [
            CommandGroup(name: "Service", subcommands: [Serve.self, Demo.self, SandboxCommand.self]),
            CommandGroup(
                name: "One partner, with the keys in .env",
                subcommands: [
                    Authenticate.self, SyncAccounts.self, SyncServices.self, UpdateStatus.self, SyncUsage.self, Clients.self,
                ]),
            CommandGroup(name: "Where usage comes from", subcommands: [ConnectorCommands.self]),
            CommandGroup(
                name: "Administration",
                subcommands: [
                    Operators.self, Partners.self, Keys.self, DatabaseCommand.self, DoctorCommand.self, Config.self, Health.self,
                ]),
        ])
}
