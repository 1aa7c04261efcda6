import Foundation
import HTTPClient
import HTTPTypes
import Testing

@Suite("TLS", .timeLimit(.minutes(3)))
struct TLSTests {
    private func get(
        _ host: String, caFile: String?, certificate: TestCertificate, server arguments: [String] = []
    ) async throws -> Result<IncomingResponse, HTTPClientError> {
        try await OpenSSLServer.with(certificate, ["-www"] + arguments) { server in
            try await withClient(HTTPClientConfiguration(caFile: caFile)) { client in
                do throws(HTTPClientError) {
                    return .success(try await client.get("https://\(host):\(server.port)/"))
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    private func expectRefusal(_ outcome: Result<IncomingResponse, HTTPClientError>, _ comment: Comment) {
        guard case .failure(let error) = outcome else {
            Issue.record("accepted: \(comment)")
            return
        }
        #expect(error.code == .tlsFailed, comment)
        #expect(error.delivery == .neverSent, comment)
        #expect(error.message.contains("certificate"), comment)
    }

    @Test("The CA file decides whom to trust; the host name has to be right too")
    func verification() async throws {
        try await TestCertificate.with { certificate in
            let accepted = try await get("localhost", caFile: certificate.certificate, certificate: certificate)
            let response = try accepted.get()
            #expect(response.status == .ok)

            expectRefusal(
                try await get("localhost", caFile: nil, certificate: certificate), "self-signed, the system's authorities")
            expectRefusal(
                try await get("127.0.0.1", caFile: certificate.certificate, certificate: certificate), "another host name")
            try await TestCertificate.with { other in
                expectRefusal(
                    try await get("localhost", caFile: other.certificate, certificate: certificate), "another authority")
            }
        }
    }

    @Test("A certificate that has expired is refused, whoever signed it")
    func expired() async throws {
        try await TestCertificate.with { certificate in
            try await certificate.expire()
            let outcome = try await get("localhost", caFile: certificate.certificate, certificate: certificate)
            expectRefusal(outcome, "expired")
            guard case .failure(let error) = outcome else { return }
            #expect(error.message.contains("expired"))
        }
    }

    @Test("TLS 1.2 and 1.3 are spoken, TLS 1.1 is not")
    func versions() async throws {
        try await TestCertificate.with { certificate in
            for version in ["-tls1_2", "-tls1_3"] {
                let outcome = try await get(
                    "localhost", caFile: certificate.certificate, certificate: certificate, server: [version])
                let response = try outcome.get()
                #expect(response.status == .ok)
            }
            let outcome = try await get(
                "localhost", caFile: certificate.certificate, certificate: certificate,
                server: ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"])
            guard case .failure(let error) = outcome else {
                Issue.record("TLS 1.1 was accepted")
                return
            }
            #expect(error.code == .tlsFailed)
            #expect(error.delivery == .neverSent)
        }
    }

    @Test("A redirect from https to http is refused")
    func downgrade() async throws {
        try await TestCertificate.with { certificate in
            try await OpenSSLServer.with(certificate, []) { server in
                let limits = RequestLimits(maximumRedirects: 3)
                try await withClient(HTTPClientConfiguration(limits: limits, caFile: certificate.certificate)) { client in
                    let url = "https://localhost:\(server.port)/"
                    let task = Task { await client.failure(of: OutgoingRequest(method: .get, url: url)) }
                    try await server.skip(past: "GET / HTTP/1.1")
                    try server.write(
                        Array(
                            "HTTP/1.1 302 Found\r\nLocation: http://localhost/\r\nContent-Length: 0\r\n\r\n".utf8))
                    let error = await task.value
                    #expect(error?.code == .redirectRefused)
                    #expect(error?.delivery == .answered(status: 302))
                }
            }
        }
    }

    @Test("A CA file that is none is refused at the start")
    func unusableCAFile() async throws {
        try await TestCertificate.with { certificate in
            let empty = certificate.folder.appendingPathComponent("empty.pem").path
            #expect(FileManager.default.createFile(atPath: empty, contents: Data()))
            for path in [empty, certificate.folder.appendingPathComponent("missing.pem").path, certificate.folder.path] {
                let error = #expect(throws: HTTPClientError.self) {
                    try CurlHTTPClient(configuration: HTTPClientConfiguration(caFile: path), logger: silentLogger)
                }
                #expect(error?.code == .invalidConfiguration)
                #expect(error?.message.contains(path) == true)
            }
        }
    }

    @Test("SSL_CERT_FILE names the authorities where the configuration does not")
    func environmentVariable() async {
        await #expect(processExitsWith: .success) {
            try await TestCertificate.with { certificate in
                setenv("SSL_CERT_FILE", certificate.certificate, 1)
                try await OpenSSLServer.with(certificate, ["-www"]) { server in
                    try await withClient { client in
                        let response = try await client.get("https://localhost:\(server.port)/")
                        #expect(response.status == .ok)
                    }
                }
                setenv("SSL_CERT_FILE", certificate.folder.path + "/missing.pem", 1)
                let error = #expect(throws: HTTPClientError.self) { try CurlHTTPClient(logger: silentLogger) }
                #expect(error?.message.contains("SSL_CERT_FILE") == true)
            }
        }
    }
}
