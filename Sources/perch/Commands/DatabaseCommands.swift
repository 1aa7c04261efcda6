import ArgumentParser
import Foundation
import Portal
import Secrets
import Store

/// `perch database`: copies that can be brought back.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "database", abstract: "Back up and restore the database.", subcommands: [Backup.self, Restore.self])

    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy the database as it is now, also while the service runs. Stored secrets stay encrypted in it.")
        @OptionGroup var settings: SettingOptions
        @Argument(help: "The file to make, or - for standard output.") var file: String

        func run() async throws {
            try await Console.reporting {
                let configuration = try settings.configuration()
                let dependencies = try Dependencies.live(configuration)
                let store: SQLiteStore
                let checks: [InspectionCheck]
                let toOutput = file == "-"
                let path = toOutput ? temporaryFile(dependencies) : file
                do throws(StoreError) {
                    store = try SQLiteStore(readingOnly: configuration.dataDirectory, logger: dependencies.logger)
                    checks = try await store.backup(to: path, migrationsDirectory: configuration.resources.migrationsDirectory)
                    try await store.close()
                } catch {
                    throw ApplicationError(error.message)
                }
                // Without a name before a byte of it goes out: a reader that ends early ends this process too.
                let copy = toOutput ? try FileHandle(forReadingFrom: URL(filePath: path)) : nil
                if toOutput { unlink(path) }
                let faults = checks.flatMap(\.faults)
                guard faults.isEmpty else {
                    throw ApplicationError(
                        "The copy is as damaged as the database: \(faults.joined(separator: " "))"
                            + (toOutput ? "" : " It was kept as \(path)."))
                }
                if let copy { try pour(copy) }
                for check in checks where check.name == "audit trail" { Console.warn("Backed up. Audit trail: \(check.remark)") }
            }
        }

        /// Beside other temporary files, readable for nobody else (mode 0600).
        private func temporaryFile(_ dependencies: Dependencies) -> String {
            FileManager.default.temporaryDirectory.appending(path: dependencies.random.identifier(prefix: "perch-backup-")).path
        }

        private func pour(_ source: FileHandle) throws {
            while let piece = try source.read(upToCount: 1 << 20), !piece.isEmpty {
                try FileHandle.standardOutput.write(contentsOf: piece)
            }
            try source.close()
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a backup in the place of the database. The service must be stopped.")
        @OptionGroup var settings: SettingOptions
        @Argument(help: "The backup, or - for standard input.") var file: String
        @Flag(help: "Move a database that is there aside.") var replace = false
        @Flag(help: "Bring a backup of an older schema to this Perch's.") var upgrade = false
        @Flag(help: "Restore although stored secrets of the backup do not open; they have to be entered again.") var withClosedSecrets =
            false

        func run() async throws {
            try await Console.reporting {
                let configuration = try settings.configuration()
                let dependencies = try Dependencies.live(configuration)
                var restore = DatabaseRestore(
                    backup: file == "-" ? "/dev/stdin" : file, directory: configuration.dataDirectory,
                    migrationsDirectory: configuration.resources.migrationsDirectory)
                restore.replaces = replace
                restore.upgrades = upgrade
                let report: DatabaseRestore.Report
                do {
                    report = try restore.run(at: dependencies.time.now()) { wrapped, sealed in
                        let faults = try KeyKeeper.faults(of: sealed, under: wrapped, configuration)
                        for fault in faults { Console.warn(fault) }
                        guard faults.isEmpty || withClosedSecrets && hasDataKey(wrapped) else {
                            throw ApplicationError(
                                "Stored secrets of the backup do not open. Nothing was changed. "
                                    + (hasDataKey(wrapped)
                                        ? "Restore another backup, or say --with-closed-secrets to go on without them."
                                        : "The backup holds no data key in use, so no service would start on it, with --with-closed-secrets "
                                            + "neither. Restore another backup."))
                        }
                        return hasDataKey(wrapped) ? try KeyKeeper.open(wrapped, configuration) : nil
                    }
                } catch let error as StoreError {
                    throw ApplicationError(error.message)
                } catch let error as SecretsError {
                    throw ApplicationError(error.message)
                }
                if let aside = report.movedAside { Console.warn("The database that was there is now \(aside).") }
                for migration in report.applied { Console.warn("Applied \(migration).") }
                Console.say("Restored. Everybody has to sign in again.")
            }
        }
    }
}

private func hasDataKey(_ wrapped: [WrappedDataKey]) -> Bool { wrapped.contains { $0.retiredAt == nil } }

/// `perch doctor`: is everything there, whole, and readable?
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at database, audit trail and stored secrets, also while the service runs; exits with 0 when all is well.")
    @OptionGroup var settings: SettingOptions
    @Option(help: ArgumentHelp("A head of the audit trail that was noted before: it must still be part of it.", valueName: "sequence:hash"))
    var auditHead: String?

    func run() async throws {
        try await Console.reporting {
            let configuration = try settings.configuration()
            let dependencies = try Dependencies.live(configuration)
            let checks = try await Doctor(configuration, dependencies).examine(auditHead: auditHead)
            for check in checks {
                Console.say("\(check.faults.isEmpty ? "ok   " : "FAULT") \(check.name): \(check.remark)")
                for fault in check.faults { Console.say("      \(fault)") }
            }
            guard checks.allSatisfy(\.faults.isEmpty) else { throw ExitStatus.failed.code }
        }
    }
}
