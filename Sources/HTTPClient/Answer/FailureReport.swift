import CLibcurl
import Glibc

/// Turns the end of a transfer that brought no answer into words and into what is known of the request.
struct FailureReport {
    /// Where the transfer was bound; its limits explain a time-out.
    var origin: RequestURL.Origin
    var limits: RequestLimits
    /// The proxy variables set in the environment, for messages about connections.
    var proxyVariables: [String]

    func error(_ failure: TransferFailure, _ outcome: TransferOutcome) -> HTTPClientError {
        let delivery: HTTPClientError.Delivery =
            if let status = outcome.answer.finalStatus {
                .answered(status: status)
            } else if outcome.isRequestStarted {
                .unknown
            } else {
                .neverSent
            }
        let (code, message) = codeAndMessage(
            failure, excess: outcome.answer.excess, refusedAddress: outcome.refusedAddress, delivery: delivery)
        return HTTPClientError(code: code, delivery: delivery, message: "\(message) \(Self.fate(delivery))")
    }

    private typealias Report = (HTTPClientError.Code, String)

    private var host: String { origin.hostAndPort }

    private static func fate(_ delivery: HTTPClientError.Delivery) -> String {
        switch delivery {
        case .neverSent: "The request was not sent."
        case .unknown: "Whether the request arrived is not known."
        case .answered(let status): "It had begun to answer with status \(status)."
        }
    }

    private func codeAndMessage(
        _ failure: TransferFailure, excess: AnswerCollector.Excess?, refusedAddress: IPAddress?,
        delivery: HTTPClientError.Delivery
    ) -> Report {
        switch failure {
        case .cancelled:
            return (.cancelled, "The request to \(host) was cancelled.")
        case .clientStopped:
            return (.clientStopped, "The HTTP client was stopped before \(host) had answered.")
        case .timedOutInQueue:
            return (
                .timedOut,
                "The request to \(host) waited \(limits.totalTimeout.inWords) for one of the client's connections. "
                    + "Check whether that server is slow, or allow more connections to it."
            )
        case .setup(let text):
            return (.libraryFailed, "libcurl failed before the request to \(host) was complete: \(text).")
        case .headIncomplete:
            return lost
        case .library(let result):
            if let address = refusedAddress {
                return (
                    .destinationRefused, "The request may not be sent: \(DestinationRule.notPublic(origin.host, address))."
                )
            }
            switch excess {
            case .sink:
                return (.answerRefused, "The answer of \(host) was not read to its end.")
            case .body:
                return tooLarge
            case .head:
                return headTooLarge
            case nil:
                return delivery == .neverSent ? whileConnecting(result) : afterConnecting(result)
            }
        }
    }

    // MARK: Before the request was sent

    private func whileConnecting(_ result: TransferFailure.LibraryResult) -> Report {
        if result.proxyStatus >= 300 {
            return (
                .proxyFailed,
                "The proxy refused to connect to \(host) (status \(result.proxyStatus)). "
                    + "Check \(proxyVariables.isEmpty ? "the proxy" : proxyVariables.joined(separator: ", ")) in the environment."
            )
        }
        switch CURLcode(result.code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return (
                .nameNotResolved,
                "The name \(origin.host) could not be resolved. Check its spelling and this machine's name servers."
            )
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY:
            return (
                .proxyFailed,
                "The proxy on the way to \(host) could not be used. Check \(proxyVariables.joined(separator: ", ")) in the environment."
            )
        case CURLE_COULDNT_CONNECT where result.systemError == ECONNREFUSED:
            return (
                .connectionRefused,
                "\(host) refused the connection. Check the port and that the service runs.\(proxyHint)"
            )
        case CURLE_OPERATION_TIMEDOUT:
            if result.isDeadlineReached { return timedOut }
            return (
                .connectTimedOut,
                "No connection to \(host) within \(limits.connectTimeout.inWords). "
                    + "Check the address, the network and the firewalls on the way.\(proxyHint)"
            )
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED:
            // libcurl's own words say what was wrong with the certificate; nothing of the request is in them.
            let detail = result.detail.isEmpty ? result.codeText : result.detail
            return (
                .tlsFailed,
                "No trusted TLS connection to \(host): \(detail). Check the server's certificate and host name, the "
                    + "certificate authorities in use and this machine's clock."
            )
        case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING,
            CURLE_HTTP2:
            let reason = result.systemError == 0 ? result.codeText : String(cString: strerror(result.systemError))
            return (.connectFailed, "No connection to \(host): \(reason).\(proxyHint)")
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            return (.invalidRequest, "libcurl does not take the URL of a request to \(host): \(result.codeText).")
        default:
            return (.libraryFailed, "The request to \(host) failed in libcurl: \(result.codeText).")
        }
    }

    private var proxyHint: String {
        proxyVariables.isEmpty ? "" : " If the way leads through a proxy (\(proxyVariables.joined(separator: ", "))), check that too."
    }

    // MARK: After

    private func afterConnecting(_ result: TransferFailure.LibraryResult) -> Report {
        switch CURLcode(result.code) {
        case CURLE_OPERATION_TIMEDOUT:
            return timedOut
        case CURLE_FILESIZE_EXCEEDED:
            return tooLarge
        case CURLE_OUT_OF_MEMORY:
            // What libcurl says of one header line beyond 100 KiB (its CURL_MAX_HTTP_HEADER).
            return headTooLarge
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING:
            return malformed
        case CURLE_RECV_ERROR where result.detail.contains("chunked-encoding"):
            // libcurl has no code of its own for a broken chunk.
            return malformed
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM,
            CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR, CURLE_SEND_FAIL_REWIND:
            return lost
        default:
            if result.isSecondSendPrevented { return lost }
            return (.libraryFailed, "The request to \(host) failed in libcurl: \(result.codeText).")
        }
    }

    private var lost: Report {
        (.connectionLost, "The connection to \(host) ended before the answer was complete.")
    }

    private var malformed: Report {
        (.answerMalformed, "What \(host) answered is not HTTP. Check that the URL leads to an HTTP service.")
    }

    private var timedOut: Report {
        (.timedOut, "No complete answer from \(host) within \(limits.totalTimeout.inWords).")
    }

    private var tooLarge: Report {
        (.answerTooLarge, "The answer of \(host) is larger than the \(limits.maximumAnswerBytes) bytes allowed.")
    }

    private var headTooLarge: Report {
        (.answerTooLarge, "The header fields in the answer of \(host) are beyond all measure.")
    }
}

extension Duration {
    /// `10 s`, `250 ms`.
    var inWords: String {
        let milliseconds = wholeMilliseconds
        return milliseconds.isMultiple(of: 1000) ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}
