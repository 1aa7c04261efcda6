import Foundation
import HTTPTypes
public import Logging

/// Sends HTTP requests with the system's libcurl: all of them on one thread, over connections that are kept
/// and, with HTTP/2, shared.
///
/// - Protocols: `http` and `https` only; HTTP/2 where the server agrees to it in the TLS handshake (ALPN),
///   else HTTP/1.1.
/// - TLS 1.2 at least; certificate and host name are always verified.
/// - Proxies: libcurl's own reading of `http_proxy` (lower case only), `https_proxy`, `all_proxy` and
///   `no_proxy`. A proxy that tunnels sees no header field of the request.
/// - Compression is never asked for, so the largest answer allowed is the largest that is held in memory.
/// - Nothing is tried again, with one exception that is libcurl's: when a kept connection turns out closed
///   before a byte of the answer, the request is sent once more on a new one. Here only for idempotent
///   methods (RFC 9110 section 9.2.2); any other fails with `connectionLost` and delivery `unknown`.
public final class CurlHTTPClient: HTTPSender {
    private let configuration: HTTPClientConfiguration
    private let inbox: TransferInbox
    private let log: TrafficLog
    private let proxyVariables: [String]

    /// Starts the client's thread.
    ///
    /// - Throws: `invalidConfiguration` when the CA file cannot be read or holds no certificate, or when the
    ///   user agent or a limit cannot be used; `libraryFailed` when libcurl refuses to work.
    public init(configuration: HTTPClientConfiguration = HTTPClientConfiguration(), logger: Logger) throws(HTTPClientError) {
        let environment = ProcessInfo.processInfo.environment
        try configuration.check()
        let options = EasyHandleOptions(
            caFile: try CertificateAuthorities.file(configured: configuration.caFile, environment: environment),
            userAgent: configuration.userAgent, proxies: ProxyChoice(environment: environment))

        self.configuration = configuration
        log = TrafficLog(logger: logger)
        proxyVariables = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
            .filter { environment[$0]?.isEmpty == false }
        inbox = TransferInbox()
        do throws(LibcurlFailure) {
            Self.start(try TransferEngine(inbox: inbox, options: options, configuration: configuration))
        } catch {
            throw error.clientError
        }
    }

    deinit {
        // Nobody waits for an answer any more: `send` holds the client.
        inbox.stop()
    }

    /// Ends what is under way with `clientStopped`, closes all connections and returns when that is done.
    /// Later requests fail with `clientStopped`.
    public func shutdown() async {
        inbox.stop()
        await inbox.waitUntilStopped()
    }

    private static func start(_ engine: TransferEngine) {
        /// @unchecked: the initialiser makes the engine and keeps nothing of it; from here on only the new
        /// thread touches it.
        struct Handover: @unchecked Sendable {
            let engine: TransferEngine
        }
        let handover = Handover(engine: engine)
        let thread = Thread { handover.engine.run() }
        thread.name = "http-client"
        thread.start()
    }

    public func send(_ request: OutgoingRequest) async throws(HTTPClientError) -> IncomingResponse {
        let began = ContinuousClock.now
        do throws(HTTPClientError) {
            let response = try await answer(request, began: began)
            log.answered(request, response, after: ContinuousClock.now - began)
            return response
        } catch {
            log.failed(request, error, after: ContinuousClock.now - began)
            throw error
        }
    }

    private func answer(
        _ request: OutgoingRequest, began: ContinuousClock.Instant
    ) async throws(HTTPClientError) -> IncomingResponse {
        var next = try PreparedRequest(request, defaultLimits: configuration.limits)
        let deadline = began + next.limits.totalTimeout
        var redirects = 0
        var redirectStatus: Int?
        while true {
            let answer: (head: AnswerHead, body: [UInt8])
            do throws(HTTPClientError) {
                answer = try await transfer(next, deadline: deadline)
            } catch {
                throw error.after(redirectStatus: redirectStatus)
            }
            guard let target = try RedirectRule.next(after: answer.head, to: next, followed: redirects) else {
                return IncomingResponse(
                    status: HTTPResponse.Status(code: answer.head.status), headerFields: answer.head.fields,
                    body: answer.body, httpVersion: answer.head.httpVersion)
            }
            next = target
            redirects += 1
            redirectStatus = answer.head.status
        }
    }

    /// One request, one answer.
    private func transfer(
        _ request: PreparedRequest, deadline: ContinuousClock.Instant
    ) async throws(HTTPClientError) -> (head: AnswerHead, body: [UInt8]) {
        let ticket = TransferTicket(request: request, deadline: deadline)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if !inbox.submit(TransferSubmission(ticket: ticket, continuation: continuation)) {
                    continuation.resume(returning: .refused(.clientStopped))
                }
            }
        } onCancel: {
            inbox.cancel(ticket)
        }

        let report = FailureReport(origin: request.url.origin, limits: request.limits, proxyVariables: proxyVariables)
        switch outcome.ending {
        case .failed(let failure):
            throw report.error(failure, outcome)
        case .completed:
            guard outcome.answer.isFinalHeadComplete, let head = AnswerHead(lines: outcome.answer.head) else {
                throw report.error(.headIncomplete, outcome)
            }
            return (head, outcome.answer.body)
        }
    }
}

extension HTTPClientError {
    /// The same error at the end of a chain of redirects: an earlier server has had the request and answered it.
    fileprivate func after(redirectStatus: Int?) -> HTTPClientError {
        guard let redirectStatus else { return self }
        if case .answered = delivery { return self }
        return HTTPClientError(code: code, delivery: .answered(status: redirectStatus), message: message)
    }
}
