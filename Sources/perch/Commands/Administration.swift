import ArgumentParser
import Integration
import Logging
import Portal
import Store

/// Commands on the database itself; they need the service to be stopped, because one process holds a database.
struct Operators: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Operator keys of the admin API and the console.", subcommands: [Issue.self, List.self, Revoke.self])

    /// What to do instead of stopping the service.
    static let whileServing =
        "If that is the running service, it need not be stopped: its console (Operators) and its API (/api/v1/operators) make, list and "
        + "revoke keys."

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key and print it, once.")
        @OptionGroup var settings: SettingOptions
        @Argument(help: "Who it is for.") var name: String
        @Option(help: "viewer, operator or admin.") var role: OperatorRole = .admin
        @Option(help: "The key opens nothing any more after so many days; without it, it lasts until it is revoked.")
        var expiresInDays: Int?

        func validate() throws {
            guard expiresInDays.map({ (1...OperatorKeys.longestLifeInDays).contains($0) }) ?? true else {
                throw ValidationError("--expires-in-days takes 1 to \(OperatorKeys.longestLifeInDays).")
            }
        }

        func run() async throws {
            try await withStore(settings, whileServing: Operators.whileServing) { store, dependencies, configuration in
                let keyRing = try await KeyKeeper(configuration, dependencies, store).openKeyRing()
                let (key, secret) = try await OperatorKeys.issue(
                    name: name, role: role,
                    expiresAt: expiresInDays.map { dependencies.time.now().addingTimeInterval(Double($0) * 86_400) }, store: store,
                    keyRing: keyRing, random: dependencies.random, time: dependencies.time,
                    by: .commandLine)
                Console.warn("Key \(key.id) for \(key.name), role \(key.role.rawValue). It is shown only now:")
                Console.say(secret.reveal())
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List keys, without their values.")
        @OptionGroup var settings: SettingOptions

        func run() async throws {
            try await withStore(settings, whileServing: Operators.whileServing) { store, dependencies, _ in
                for key in try await store.operatorKeys() {
                    let state =
                        key.revokedAt != nil ? "revoked" : key.isUsable(at: dependencies.time.now()) ? "active" : "expired"
                    Console.say("\(key.id)\t\(key.role.rawValue)\t\(state)\t\(key.name)")
                }
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a key, and with it its sign-ins, its unused launch links and the sign-ins by these.")
        @OptionGroup var settings: SettingOptions
        @Argument(help: "The key's id, as listed.") var id: String
        @Flag(help: "Also the last admin key without an end, when every other expires.") var lastLasting = false

        func run() async throws {
            try await withStore(settings, whileServing: Operators.whileServing) { store, dependencies, configuration in
                let keyRing = try await KeyKeeper(configuration, dependencies, store).openKeyRing()
                try await OperatorKeys.revoke(
                    OperatorKeyID(id), evenIfLastLasting: lastLasting, store: store, keyRing: keyRing, time: dependencies.time,
                    by: .commandLine)
                Console.warn("Revoked. Its sign-ins, its unused launch links and the sign-ins by its links ended with it.")
            }
        }
    }
}

struct Partners: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the partners of this installation.")
    @OptionGroup var settings: SettingOptions

    func run() async throws {
        try await withStore(settings) { store, _, _ in
            var cursor: PartnerID?
            while true {
                let page = try await store.partners(after: cursor, limit: 200)
                for partner in page {
                    let connection = try await store.connection(partner.id)
                    Console.say("\(partner.id)\t\(connection.state.rawValue)\t\(partner.vendorReference)\t\(partner.name)")
                }
                guard let last = page.last else { return }
                cursor = last.id
            }
        }
    }
}

extension OperatorRole: ExpressibleByArgument {}

/// Opens the configured database for one action.
/// - Parameter whileServing: how the same is done while a service has the database.
func withStore(
    _ settings: SettingOptions, whileServing: String? = nil, _ body: (any Store, Dependencies, Configuration) async throws -> Void
) async throws {
    try await Console.reporting {
        let configuration = try settings.configuration()
        let dependencies = try Dependencies.live(configuration)
        let store = try openStore(configuration, dependencies, whenLocked: whileServing)
        do {
            try await body(store, dependencies, configuration)
        } catch {
            try await store.close()
            throw error
        }
        try await store.close()
    }
}
