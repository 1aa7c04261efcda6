import ChildProcess
import Foundation
import Glibc
import Store
import Testing

@Suite("Opening the database")
struct OpeningTests {
    @Test("makes directory and files that only the owner can read")
    func modes() async throws {
        try await withTemporaryDirectory { parent in
            let directory = parent + "/new/deep"
            let store = try openSQLiteStore(directory)
            try await store.createPartner(Sample.partner())
            #expect(mode(directory) == 0o700)
            let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            #expect(files == ["perch.lock", "perch.sqlite", "perch.sqlite-shm", "perch.sqlite-wal"])
            for file in files { #expect(mode("\(directory)/\(file)") == 0o600, "\(file)") }
            try await store.close()
        }
    }

    @Test("leaves one file with everything in it after closing")
    func closed() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            try await store.createPartner(Sample.partner())
            try await store.close()
            let wal = try? FileManager.default.attributesOfItem(atPath: directory + "/perch.sqlite-wal")[.size] as? Int
            #expect(wal == nil || wal == 0)
        }
    }

    @Test("says in one line what is wrong with the place", arguments: ["file", "file/below", "taken/perch.sqlite"])
    func unusable(path: String) async throws {
        try await withTemporaryDirectory { parent in
            try Data("x".utf8).write(to: URL(filePath: parent + "/file"))
            try FileManager.default.createDirectory(
                atPath: parent + "/taken/perch.sqlite", withIntermediateDirectories: true)
            let directory = "\(parent)/\(path)".replacing("/perch.sqlite", with: "")
            let error = await expectFailure(.unavailable) { _ = try openSQLiteStore(directory) }
            #expect(error?.message.contains(directory) == true)
            #expect(error?.message.contains("directory") == true)
            #expect(error?.message.contains("\n") == false)
        }
    }

    @Test("says when the place is not writable")
    func notWritable() async throws {
        // Nobody, not even root, may make directories in /proc/self.
        let error = await expectFailure(.unavailable) { _ = try openSQLiteStore("/proc/self/perch") }
        #expect(error?.message.contains("/proc/self/perch") == true)
        guard geteuid() != 0 else { return }
        try await withTemporaryDirectory { directory in
            chmod(directory, 0o500)
            await expectFailure(.unavailable) { _ = try openSQLiteStore(directory) }
            chmod(directory, 0o700)
        }
    }

    @Test("leaves a file alone that is no database", arguments: [40, 4096, 100_000])
    func notADatabase(size: Int) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/perch.sqlite"
            let text = Data(String(repeating: "Dear diary. ", count: size / 12 + 1).utf8)
            try text.write(to: URL(filePath: path))
            let error = await expectFailure(.corrupt) { _ = try openSQLiteStore(directory) }
            #expect(error?.message.contains("not a database") == true)
            #expect(error?.message.contains("\n") == false)
            #expect(try Data(contentsOf: URL(filePath: path)) == text)
        }
    }

    @Test("notices pages that were overwritten")
    func damaged() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            try await store.createPartner(Sample.partner())
            try await store.close()
            let file = try FileHandle(forUpdating: URL(filePath: directory + "/perch.sqlite"))
            let size = try file.seekToEnd()
            try file.seek(toOffset: 4096)
            try file.write(contentsOf: Data(repeating: 0xFF, count: Int(size) - 4096))
            try file.close()
            await expectFailure(.corrupt) {
                let store = try openSQLiteStore(directory)
                _ = try await store.partner(Sample.partner().id)
            }
        }
    }

    @Test("is refused while another store has it, and possible once that is closed or gone")
    func locked() async throws {
        try await withTemporaryDirectory { directory in
            var first: SQLiteStore? = try openSQLiteStore(directory)
            let error = await expectFailure(.locked) { _ = try openSQLiteStore(directory) }
            #expect(error?.message.contains("another perch process") == true)
            #expect(error?.message.contains(directory + "/perch.sqlite") == true)
            try await first?.createPartner(Sample.partner())

            try await first?.close()
            var second: SQLiteStore? = try openSQLiteStore(directory)
            #expect(try await second?.partner(Sample.partner().id) != nil)
            await expectFailure(.locked) { _ = try openSQLiteStore(directory) }
            first = nil
            await expectFailure(.locked) { _ = try openSQLiteStore(directory) }

            second = nil
            let third = try openSQLiteStore(directory)
            #expect(try await third.partner(Sample.partner().id) != nil)
            try await third.close()
        }
    }

    @Test("is refused while another process has it", .enabled(if: access("/usr/bin/flock", X_OK) == 0))
    func lockedByProcess() async throws {
        try await withTemporaryDirectory { directory in
            // Holds the lock, says so, and waits until its input ends.
            let process = try ChildProcess(["flock", "--no-fork", directory + "/perch.lock", "/bin/sh", "-c", "echo held; read end"])
            #expect(process.output.availableData == Data("held\n".utf8))
            await expectFailure(.locked) { _ = try openSQLiteStore(directory) }
            try process.input.close()
            process.waitForExit()
            try await openSQLiteStore(directory).close()
        }
    }

    @Test("leaves no descriptor to child processes")
    func closeOnExec() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            try await store.createPartner(Sample.partner())
            _ = try await store.services()
            var found = 0
            for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
                guard let descriptor = Int32(name),
                    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)"),
                    target.hasPrefix(directory)
                else { continue }
                found += 1
                #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0, "\(target)")
            }
            #expect(found >= 4, "lock, database, WAL and its index")
            try await store.close()
        }
    }

    @Test("is noticed to be in vain when the file is removed or replaced")
    func removed() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            try await store.checkWritable()
            let path = directory + "/perch.sqlite"
            try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
            let error = await expectFailure(.unavailable) { try await store.checkWritable() }
            #expect(error?.message.contains(path) == true)
            try FileManager.default.copyItem(atPath: path + ".away", toPath: path)
            await expectFailure(.unavailable) { try await store.checkWritable() }
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
            try await store.checkWritable()
            try await store.close()
        }
    }

    private func mode(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }
}

@Suite("A full disk")
struct FullDiskTests {
    @Test("refuses the change, keeps what was saved, stays readable, and recovers")
    func full() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            let run = try await store.startedRun()
            try await store.raw("PRAGMA max_page_count = 1")
            let lines = (0..<20_000).map { Sample.line(run, $0) }
            let error = await expectFailure(.full) { try await store.planLines(run.id, lines) }
            #expect(error?.message.contains("full") == true)
            #expect(try await store.run(run.id) == run)
            #expect(try await store.lines(run.id, states: nil, after: nil, limit: 9).isEmpty)

            try await store.raw("PRAGMA max_page_count = 1000000")
            try await store.planLines(run.id, Array(lines.prefix(10)))
            #expect(try await store.tally(run.id).open == 10)
            try await store.close()
        }
    }
}
