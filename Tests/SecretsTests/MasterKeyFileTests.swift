import Foundation
import Glibc
import Secrets
import Testing

@Suite("The key file")
final class MasterKeyFileTests {
    let directory: URL
    var path: String { directory.appending(path: "perch.key").path(percentEncoded: false) }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: RandomSource.system.identifier(prefix: "perch-key-"))
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    @Test("is made once with mode 0600, then read")
    func createdOnce() throws {
        let first = try MasterKeyFile.loadOrCreate(at: path, random: .system)
        let second = try MasterKeyFile.loadOrCreate(at: path, random: .system)
        #expect(first.created)
        #expect(!second.created)
        #expect(first.key.base64() == second.key.base64())
        #expect(try mode() == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["perch.key"])
    }

    @Test("many first starts at once end with one key")
    func concurrentCreation() async throws {
        let path = path
        let results = try await withThrowingTaskGroup(of: (Secret, Bool).self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let result = try MasterKeyFile.loadOrCreate(at: path, random: .system)
                    return (result.key.base64(), result.created)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(results.map(\.0)).count == 1)
        #expect(results.count { $0.1 } == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["perch.key"])
    }

    @Test("of another process that was faster is used, never replaced")
    func lostRace() throws {
        let other = MasterKey.generate(random: .system)
        let path = path
        // The other process comes after the look for a file and before this one has made its own.
        let random = RandomSource { count in
            let made = FileManager.default.createFile(
                atPath: path, contents: Data(other.base64().reveal().utf8), attributes: [.posixPermissions: 0o600])
            return RandomSource.system.bytes(made ? count : 0)
        }
        let result = try MasterKeyFile.loadOrCreate(at: path, random: random)
        #expect(!result.created)
        #expect(result.key.base64() == other.base64())
        #expect(try MasterKeyFile.loadOrCreate(at: path, random: .system).key.base64() == other.base64())
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["perch.key"])
    }

    @Test("is refused when others may reach it", arguments: [0o640, 0o604, 0o660, 0o644, 0o620, 0o601] as [mode_t])
    func exposed(mode: mode_t) throws {
        _ = try MasterKeyFile.loadOrCreate(at: path, random: .system)
        #expect(chmod(path, mode) == 0)
        let error = #expect(throws: SecretsError.self) { try MasterKeyFile.loadOrCreate(at: self.path, random: .system) }
        #expect(error?.code == .keyFileExposed)
        #expect(error?.message.contains(path) == true)
        #expect(error?.message.contains("chmod 600") == true)
        #expect(try self.mode() == mode, "the file is left as it is")
    }

    @Test("of mode 0400 is read")
    func readOnly() throws {
        let made = try MasterKeyFile.loadOrCreate(at: path, random: .system)
        #expect(chmod(path, 0o400) == 0)
        #expect(try MasterKeyFile.loadOrCreate(at: path, random: .system).key.base64() == made.key.base64())
    }

    @Test("that holds no key is refused, never replaced", arguments: ["", "canary", "AAAA"], [1, 3000])
    func malformed(piece: String, times: Int) throws {
        let text = String(repeating: piece, count: times)
        try Data(text.utf8).write(to: URL(filePath: path))
        #expect(chmod(path, 0o600) == 0)
        let error = #expect(throws: SecretsError.self) { try MasterKeyFile.loadOrCreate(at: self.path, random: .system) }
        #expect(error?.code == .masterKeyInvalid)
        #expect(error?.message.contains(path) == true)
        #expect(error?.message.contains("canary") == false)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    @Test("in a missing directory, or that is a directory, is a readable error")
    func unavailable() throws {
        let missing = directory.appending(path: "none/perch.key").path(percentEncoded: false)
        let first = #expect(throws: SecretsError.self) { try MasterKeyFile.loadOrCreate(at: missing, random: .system) }
        #expect(first?.code == .keyFileUnavailable)
        #expect(first?.message.contains("no such file or directory") == true)
        let second = #expect(throws: SecretsError.self) {
            try MasterKeyFile.loadOrCreate(at: self.directory.path(percentEncoded: false), random: .system)
        }
        #expect(second?.code == .keyFileUnavailable)
        #expect(second?.message.contains("not a regular file") == true)
    }

    private func mode() throws -> mode_t {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return status.st_mode & 0o777
    }
}
