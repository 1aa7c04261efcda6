import Foundation
import HTTPClient
import HTTPTypes
import Secrets

/// How a connector reaches its vendor.
public struct VendorEnvironment: Sendable {
    public var http: any HTTPSender
    public var time: TimeSource
    public var random: RandomSource
    public var retry: RetryPolicy
    /// Accepts `http://` addresses. Only for a sandbox on the same machine: it sends credentials in clear.
    public var allowsPlainHTTP: Bool
    /// Where the vendor's API may be although the address is not public; by the operator's leave only, because partners enter addresses.
    public var networks: [IPNetwork]
    /// Requests under way at once for one partner.
    public var parallelism: Int

    public init(
        http: any HTTPSender, time: TimeSource, random: RandomSource, retry: RetryPolicy, allowsPlainHTTP: Bool = false,
        networks: [IPNetwork] = [], parallelism: Int = 8
    ) {
        self.http = http
        self.time = time
        self.random = random
        self.retry = retry
        self.allowsPlainHTTP = allowsPlainHTTP
        self.networks = networks
        self.parallelism = parallelism
    }
}

extension VendorEnvironment {
    /// Reads one JSON document. Reads are repeated on passing failures; a refusal is not.
    /// - Parameter product: the vendor's name, for messages.
    func getJSON<Value: Decodable>(
        _ type: Value.Type, url: String, headerFields: HTTPFields, product: String
    ) async throws(ConnectorError) -> Value {
        var attempt = 1
        while true {
            let failure: (error: ConnectorError, isPassing: Bool, retryAfter: Duration?)
            do {
                let answer = try await http.send(
                    OutgoingRequest(
                        method: .get, url: url, headerFields: headerFields, destinations: DestinationRule(networks: networks)))
                switch Self.read(type, answer, product: product) {
                case .value(let value): return value
                case .failure(let error, let isPassing):
                    failure = (error, isPassing, RetryPolicy.retryAfter(answer.headerFields[.retryAfter]))
                }
            } catch {
                if error.code == .cancelled {
                    throw ConnectorError(code: .cancelled, message: "Stopped while reading from \(product).")
                }
                failure = (
                    ConnectorError(code: .unreachable, message: "\(product) could not be reached: \(error.message)"),
                    error.code != .invalidRequest && error.code != .destinationRefused, nil
                )
            }
            guard failure.isPassing,
                let delay = retry.delay(
                    afterAttempt: attempt, retryAfter: failure.retryAfter, uniform: random.uniform())
            else { throw failure.error }
            do {
                try await time.sleep(delay)
            } catch {
                throw ConnectorError(code: .cancelled, message: "Stopped while reading from \(product).")
            }
            attempt += 1
        }
    }

    private enum Reading<Value> {
        case value(Value)
        case failure(ConnectorError, isPassing: Bool)
    }

    private static func read<Value: Decodable>(
        _ type: Value.Type, _ answer: IncomingResponse, product: String
    ) -> Reading<Value> {
        switch answer.status.code {
        case 200..<300:
            do {
                return .value(try JSONDecoder().decode(type, from: Data(answer.body)))
            } catch {
                let message = "\(product) answered in a form that Perch does not know. Nothing was changed."
                return .failure(ConnectorError(code: .brokenAnswer, message: message), isPassing: true)
            }
        case 401, 403:
            let message = "\(product) did not accept the credentials. Copy the key again from \(product) and connect again."
            return .failure(ConnectorError(code: .credentialRefused, message: message), isPassing: false)
        case let status:
            let message = "\(product) answered \(status). Nothing was changed; Perch tries again at the next sync."
            return .failure(ConnectorError(code: .refused, message: message), isPassing: status == 429 || status >= 500)
        }
    }
}
