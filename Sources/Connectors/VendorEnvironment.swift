import HTTPClient
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
    /// Hosts that requests may go to besides those that a definition names, by the operator's leave.
    public var hosts: [String]
    /// What a person should know while a fetch lasts, such as a long wait that the vendor asks for; one sentence, without secrets.
    public var tell: @Sendable (String) -> Void

    public init(
        http: any HTTPSender, time: TimeSource, random: RandomSource, retry: RetryPolicy, allowsPlainHTTP: Bool = false,
        networks: [IPNetwork] = [], parallelism: Int = 8, hosts: [String] = [],
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.http = http
        self.time = time
        self.random = random
        self.retry = retry
        self.allowsPlainHTTP = allowsPlainHTTP
        self.networks = networks
        self.parallelism = parallelism
        self.hosts = hosts
        self.tell = tell
    }
}
