import ChildProcess
import Foundation

/// A self-signed certificate for `localhost`, in a folder of its own.
struct TestCertificate: Sendable {
    let folder: URL
    var certificate: String { folder.appendingPathComponent("certificate.pem").path }
    var key: String { folder.appendingPathComponent("key.pem").path }

    /// Removes the folder when `body` is through.
    static func with<Result>(_ body: (TestCertificate) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("http-client-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = TestCertificate(folder: folder)
        try await onThread {
            try run([
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                "-keyout", made.key, "-out", made.certificate,
            ])
        }
        return try await body(made)
    }

    /// Dates the certificate into a past year: `openssl req` makes none that has expired, `openssl ca` does.
    func expire() async throws {
        let configuration = """
            [ca]
            default_ca = own
            [own]
            database = \(folder.path)/index.txt
            new_certs_dir = \(folder.path)
            serial = \(folder.path)/serial
            default_md = sha256
            policy = any
            x509_extensions = names
            [any]
            commonName = supplied
            [names]
            subjectAltName = DNS:localhost

            """
        for (name, text) in [("ca.cnf", configuration), ("index.txt", ""), ("serial", "01\n")] {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        let request = folder.appendingPathComponent("request.csr").path
        for arguments in [
            ["req", "-new", "-key", key, "-subj", "/CN=localhost", "-out", request],
            [
                "ca", "-batch", "-selfsign", "-notext", "-config", folder.appendingPathComponent("ca.cnf").path, "-keyfile", key,
                "-in", request, "-out", certificate, "-startdate", "20200101000000Z", "-enddate", "20200102000000Z",
            ],
        ] {
            try await onThread { try run(arguments) }
        }
    }
}

private func run(_ arguments: [String]) throws {
    guard try ChildProcess(["openssl"] + arguments).waitForExit() == 0 else {
        throw OpenSSLServer.Failure(text: "openssl \(arguments[0]) failed")
    }
}

/// `openssl s_server` on a port that the system picks. What is written to it goes to the client of the moment,
/// what the client sends can be read from it.
///
/// @unchecked: a test uses it from one task at a time.
final class OpenSSLServer: @unchecked Sendable {
    struct Failure: Error {
        var text: String
    }

    let port: Int
    private let process: ChildProcess
    private var unread = Data()

    /// Runs `body` with a server and ends it.
    static func with<Result>(
        _ certificate: TestCertificate, _ arguments: [String], _ body: (OpenSSLServer) async throws -> Result
    ) async throws -> Result {
        let server = try await onThread { try OpenSSLServer(certificate, arguments) }
        let result: Result
        do {
            result = try await body(server)
        } catch {
            try await server.stop()
            throw error
        }
        try await server.stop()
        return result
    }

    private init(_ certificate: TestCertificate, _ arguments: [String]) throws {
        process = try ChildProcess(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate.certificate, "-key", certificate.key] + arguments)
        // It prints `ACCEPT 127.0.0.1:PORT` once it listens.
        var text = Data()
        while true {
            let more = process.output.availableData
            guard !more.isEmpty else { throw Failure(text: "openssl s_server ended before it listened") }
            text += more
            let lines = String(decoding: text, as: UTF8.self).components(separatedBy: "\n").dropLast()
            guard let line = lines.first(where: { $0.hasPrefix("ACCEPT ") }) else { continue }
            guard let port = line.split(separator: ":").last.flatMap({ Int($0) }) else {
                throw Failure(text: "openssl s_server listens at \(line)")
            }
            self.port = port
            return
        }
    }

    private func stop() async throws {
        process.kill()
        try await onThread { [self] in _ = process.waitForExit() }
    }

    func write(_ bytes: [UInt8]) throws {
        try process.input.write(contentsOf: Data(bytes))
    }

    /// Passes over everything up to and with `marker`, such as what openssl prints of a new session.
    func skip(past marker: String) async throws {
        while true {
            if let range = unread.range(of: Data(marker.utf8)) {
                unread = Data(unread[range.upperBound...])
                return
            }
            try await receive()
        }
    }

    func read(_ count: Int) async throws -> [UInt8] {
        while unread.count < count { try await receive() }
        defer { unread = Data(unread.dropFirst(count)) }
        return Array(unread.prefix(count))
    }

    private func receive() async throws {
        let more = try await onThread { [self] in
            // Bounded, so that a broken test fails rather than hangs.
            var waiting = pollfd(fd: process.output.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 30_000) > 0 else { throw Failure(text: "the client sends nothing") }
            return process.output.availableData
        }
        guard !more.isEmpty else { throw Failure(text: "openssl s_server has ended") }
        unread += more
    }
}
