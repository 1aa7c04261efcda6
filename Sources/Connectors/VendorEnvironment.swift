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
    /// Requests under way at once for one partner.
    public var parallelism: Int
    /// Hosts that requests may go to besides those that a definition names, by the operator's leave.
    public var hosts: [String]
    /// Addresses that may be connected to although they are not public, by the operator's leave.
    public var networks: [IPNetwork]

    public init(
        http: any HTTPSender, time: TimeSource, random: RandomSource, retry: RetryPolicy, allowsPlainHTTP: Bool = false,
        parallelism: Int = 8, hosts: [String] = [], networks: [IPNetwork] = []
    ) {
        self.http = http
        self.time = time
        self.random = random
        self.retry = retry
        self.allowsPlainHTTP = allowsPlainHTTP
        self.parallelism = parallelism
        self.hosts = hosts
        self.networks = networks
    }
}
