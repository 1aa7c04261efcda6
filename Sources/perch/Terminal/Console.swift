import ArgumentParser
import Foundation
import Integration
import Portal

/// Standard output and standard error.
enum Console {
    static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    static func warn(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Runs a command's work; every failure becomes readable lines and an exit code that is not 0.
    static func reporting(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let error as SettingsError {
            for problem in error.problems { warn("perch: " + problem) }
            throw ExitStatus.settings.code
        } catch let error as ApplicationError {
            warn("perch: " + error.message)
            throw ExitStatus.settings.code
        } catch let error as IntegrationError {
            warn("perch: " + error.message)
            throw ExitStatus(error).code
        } catch let code as ExitCode {
            throw code
        } catch {
            warn("perch: \(error)")
            throw ExitStatus.failed.code
        }
    }
}
