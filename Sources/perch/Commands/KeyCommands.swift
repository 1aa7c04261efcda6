import ArgumentParser
import Foundation
import HTTPClient
import Integration
import Portal
import Secrets
import Store

/// `perch keys`: the master key that wraps the data keys, and the data key that seals every stored secret.
struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make and rotate the keys that stored secrets are sealed with.", subcommands: [Generate.self, Rotate.self])

    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a new master key for PERCH_SECRET_KEY.")

        func run() {
            Console.say(MasterKey.generate(random: .system).base64().reveal())
        }
    }

    enum Layer: String, ExpressibleByArgument, CaseIterable {
        case data, master
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Rotate the data key (every stored secret is sealed anew) or the master key (the data keys are wrapped anew).",
            discussion: """
                Works on the database itself while the service is stopped; with --url and --operator-key-file the running service \
                does it, and goes on working meanwhile. Cut off at any moment, the next rotation or the next start goes on.
                """)
        @OptionGroup var settings: SettingOptions
        @Argument(help: "data or master.") var layer: Layer
        @Option(help: "File with the new master key, for an installation that is given its key by PERCH_SECRET_KEY.")
        var newKeyFile: String?
        @Option(help: "Secrets sealed anew in one transaction.") var atOnce = 50
        @Option(help: "Where the running service is, for instance http://127.0.0.1:8080.") var url: String?
        @Option(help: "File with an admin's operator key, for --url.") var operatorKeyFile: String?

        func run() async throws {
            try await Console.reporting {
                let newKey = try newKeyFile.map { try secret(in: $0) }
                if let url {
                    try await ask(String(url.reversed().drop { $0 == "/" }.reversed()), newKey)
                } else {
                    try await withKeys(settings) { store, keyRing, keeper in
                        switch layer {
                        case .data:
                            let report = try await keeper.rotateDataKey(keyRing, atOnce: max(1, atOnce), by: .commandLine)
                            let removed = try await store.removeUnusedKeys()
                            Console.say("Sealed \(report.resealed) secrets with \(report.keyID); \(removed.count) older keys removed.")
                            try complain(report.failed)
                        case .master:
                            let master = try newKey.map { try MasterKey(base64: $0) }
                            try await keeper.rotateMasterKey(to: master, by: .commandLine)
                            sayMaster()
                        }
                    }
                }
            }
        }

        private func complain(_ failed: [String]) throws {
            guard !failed.isEmpty else { return }
            throw ApplicationError("These do not open and were left as they are: \(failed.joined(separator: ", ")).")
        }

        private func sayMaster() {
            Console.say(
                newKeyFile.map { "The data keys are wrapped with the new key. Set PERCH_SECRET_KEY_FILE to \($0) before the next start." }
                    ?? """
                    The data keys are wrapped with a new key, which is in the key file now. Keep a copy of the old file as long as you keep \
                    backups from before: only it opens them.
                    """
            )
        }

        /// - Parameter forOwnerOnly: a regular file that others can read is refused; a pipe or a terminal is nobody else's. Not asked of a
        ///   master key, which containers are handed in files of their own modes (`PERCH_SECRET_KEY_FILE`).
        private func secret(in path: String, forOwnerOnly: Bool = false) throws -> Secret {
            do {
                // Of what a link leads to.
                var status = stat()
                if forOwnerOnly, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 != 0 {
                    let mode = status.st_mode & 0o777
                    throw ApplicationError(
                        "The file \(path) has mode 0\(String(mode, radix: 8)), so others than its owner can reach the operator key. It was not "
                            + "used. Run `chmod 600 \(path)`, and issue another key if somebody may have read this one.")
                }
                return Secret(try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines))
            } catch let error as ApplicationError {
                throw error
            } catch {
                throw ApplicationError("The file \(path) cannot be read.")
            }
        }

        /// By the admin API, with the operator key that stands for the person who asks.
        private func ask(_ url: String, _ newKey: Secret?) async throws {
            guard let operatorKeyFile else { throw ApplicationError("--url needs --operator-key-file.") }
            let configuration = try settings.configuration()
            let dependencies = try Dependencies.live(configuration)
            let operatorKey = try secret(in: operatorKeyFile, forOwnerOnly: true)
            let body = newKey.map { "{\"newKey\":\"\($0.reveal())\"}" } ?? (layer == .master ? "{}" : "")
            let answer: IncomingResponse
            do throws(HTTPClientError) {
                answer = try await dependencies.http.send(
                    OutgoingRequest(
                        method: .post, url: "\(url)/api/v1/keys/rotate-\(layer.rawValue)-key",
                        headerFields: [
                            .authorization: "Bearer " + operatorKey.reveal(), .contentType: "application/json",
                        ],
                        body: Array(body.utf8), limits: RequestLimits(totalTimeout: .seconds(600))))
            } catch {
                throw ApplicationError(error.message)
            }
            switch (layer, answer.status.code) {
            case (.master, 204): sayMaster()
            case (.data, 200) where answer.headerFields[.contentType]?.hasPrefix("application/json") == true:
                Console.say(String(decoding: answer.body, as: UTF8.self))
            default: throw refusal(answer, of: url)
            }
        }

        /// What Perch says; another program's page is not repeated.
        private func refusal(_ answer: IncomingResponse, of url: String) -> ApplicationError {
            struct Problem: Decodable { var detail: String }
            let told = "\(url) answered \(answer.status.code)"
            guard answer.headerFields[.contentType] == "application/problem+json",
                let problem = try? JSONDecoder().decode(Problem.self, from: Data(answer.body))
            else {
                return ApplicationError(
                    "\(told), and not as Perch's admin API does. Give --url as browsers have it, without a path behind it. Whether keys were "
                        + "rotated is not known; `GET /api/v1/keys` and the audit trail tell.")
            }
            return ApplicationError("\(told): \(problem.detail)")
        }
    }
}

/// Opens the configured database and its keys for one action.
func withKeys(
    _ settings: SettingOptions, _ body: (any Store, KeyRing, KeyKeeper) async throws -> Void
) async throws {
    try await withStore(settings) { store, dependencies, configuration in
        let keeper = KeyKeeper(configuration, dependencies, store)
        try await body(store, try await keeper.openKeyRing(), keeper)
    }
}
