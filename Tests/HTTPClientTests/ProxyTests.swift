import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

/// The proxy variables belong to a whole process, so each test has one of its own.
@Suite("Proxies from the environment", .timeLimit(.minutes(3)))
struct ProxyTests {
    @Test("http_proxy is asked for the whole URL")
    func plain() async {
        await #expect(processExitsWith: .success) {
            let seen = Mutex<String?>(nil)
            try await RawServer.with({ connection in
                let request = try connection.readRequest()
                seen.withLock { $0 = request?.line }
                connection.answer(body: "by proxy")
            }) { proxy in
                setenv("http_proxy", proxy.url(), 1)
                try await withClient { client in
                    let response = try await client.get("http://perch.invalid/path?x=1")
                    #expect(response.text == "by proxy")
                }
            }
            #expect(seen.withLock { $0 } == "GET http://perch.invalid/path?x=1 HTTP/1.1")
        }
    }

    @Test("https_proxy is asked for a tunnel and sees nothing of the request; its refusal is told as such")
    func tunnel() async {
        await #expect(processExitsWith: .success) {
            let seen = Mutex<RawRequest?>(nil)
            try await RawServer.with({ connection in
                let request = try connection.readRequest()
                seen.withLock { $0 = request }
                connection.answer("403 Forbidden", ["X-Proxy: 1"], body: "no")
            }) { proxy in
                setenv("https_proxy", proxy.url(), 1)
                try await withClient { client in
                    let error = await client.failure(
                        of: OutgoingRequest(
                            method: .post, url: "https://perch.invalid/path", headerFields: [.gradientToken: "secret"],
                            body: Array("secret".utf8)))
                    #expect(error?.code == .proxyFailed)
                    #expect(error?.delivery == .neverSent)
                    #expect(error?.message.contains("https_proxy") == true)
                    #expect(error?.message.contains("403") == true)
                }
            }
            let request = try #require(seen.withLock { $0 })
            #expect(request.line == "CONNECT perch.invalid:443 HTTP/1.1")
            #expect(!request.head.contains("secret"))
            #expect(!request.head.contains("/path"))
        }
    }

    @Test("A tunnel carries TLS to the server, and the proxy's own head is not taken for an answer")
    func throughTunnel() async {
        await #expect(processExitsWith: .success) {
            try await RawServer.with({ connection in
                _ = try connection.readRequest()
                connection.write("HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
                // What now comes is a TLS greeting; the tunnel breaks before it is answered.
                try connection.pause(milliseconds: 30_000)
            }) { proxy in
                setenv("https_proxy", proxy.url(), 1)
                try await withClient { client in
                    let error = await client.failure(of: OutgoingRequest(method: .post, url: "https://perch.invalid/"))
                    #expect(error?.code == .tlsFailed || error?.code == .connectFailed)
                    #expect(error?.delivery == .neverSent)
                }
            }
        }
    }

    @Test("no_proxy goes straight there; a proxy that refuses is mentioned")
    func exceptions() async {
        await #expect(processExitsWith: .success) {
            // Port 1 on loopback: nobody listens there.
            setenv("http_proxy", "http://user:secret@127.0.0.1:1", 1)
            setenv("no_proxy", "127.0.0.1", 1)
            try await withServer(script: { connection in
                _ = try connection.readRequest()
                connection.answer()
            }) { server, client in
                let response = try await client.get(server.url())
                #expect(response.status == .ok)
                let error = await client.failure(of: OutgoingRequest(method: .get, url: "http://perch.invalid/"))
                #expect(error?.delivery == .neverSent)
                #expect(error?.message.contains("http_proxy") == true)
                #expect(error?.message.contains("secret") == false)
            }
        }
    }

    @Test("A proxy whose name does not resolve")
    func unresolved() async {
        await #expect(processExitsWith: .success) {
            setenv("http_proxy", "http://\(String(repeating: "a", count: 64)).invalid:3128", 1)
            try await withClient { client in
                let error = await client.failure(of: OutgoingRequest(method: .get, url: "http://perch.invalid/"))
                #expect(error?.code == .proxyFailed)
                #expect(error?.delivery == .neverSent)
            }
        }
    }
}
