import Glibc
import HTTPTypes

/// Proxies whose word about the client is believed. Nobody else's is: anyone can send these fields.
public struct TrustedProxies: Sendable {
    /// The fields that the proxies set. Only one kind is read: a proxy that sets one kind passes the other on from the
    /// client as it came.
    public enum Fields: String, Sendable, CaseIterable {
        /// `X-Forwarded-For`, `-Proto` and `-Host`.
        case xForwarded = "x-forwarded"
        /// `Forwarded` (RFC 7239).
        case forwarded
    }

    private struct Network: Sendable {
        var address: [UInt8]
        var bits: Int
    }

    private let networks: [Network]
    private let fields: Fields

    /// Nobody is trusted.
    public init() { (networks, fields) = ([], .xForwarded) }

    /// - Parameter networks: such as `10.0.0.0/8`, `fd00::/8` or a single address. Nil when one of them is neither.
    public init?(_ networks: [String], fields: Fields = .xForwarded) {
        var parsed: [Network] = []
        for text in networks {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let address = Self.address(String(parts[0])) else { return nil }
            let bits = parts.count == 1 ? address.count * 8 : WireNumber.decimal(parts[1].utf8)
            // The prefix of a mapped IPv4 network counts from the start of the IPv6 form.
            let mappedBits = address.count == 4 && parts[0].contains(":") && parts.count == 2 ? 96 : 0
            guard let bits, (0...address.count * 8).contains(bits - mappedBits) else { return nil }
            parsed.append(Network(address: address, bits: bits - mappedBits))
        }
        (self.networks, self.fields) = (parsed, fields)
    }

    /// Puts the client's address, scheme and host in place of the proxy's, if the request came from a trusted one.
    func correct(_ request: inout Request) {
        guard !networks.isEmpty, trusts(request.remoteAddress.host) else { return }
        let hops = hops(request.head.headerFields)
        // Each proxy adds what it saw at the end. From there back, the first one that is not ours is the client; what
        // stands before it is only the client's word.
        for hop in hops.reversed() {
            if let scheme = hop["proto"]?.utf8.lowercasedASCII, scheme == "http" || scheme == "https" { request.head.scheme = scheme }
            if let host = hop["host"], RequestTarget.isAuthority(host.utf8) { request.head.authority = host }
            guard let node = hop["for"], let host = Self.host(ofNode: node) else { break }
            request.remoteAddress = SocketAddress(host: host, port: 0)
            guard trusts(host) else { break }
        }
    }

    private func trusts(_ host: String) -> Bool {
        guard let address = Self.address(host) else { return false }
        return networks.contains { network in
            network.address.count == address.count
                && zip(network.address, address).enumerated().allSatisfy { index, pair in
                    let bits = min(8, max(0, network.bits - index * 8))
                    return (pair.0 ^ pair.1) >> (8 - bits) == 0
                }
        }
    }

    /// What each proxy said, the nearest last: `for`, `proto` and `host`, as far as given.
    private func hops(_ headerFields: HTTPFields) -> [[String: String]] {
        func list(_ name: String) -> [String] {
            guard let name = HTTPField.Name(name) else { return [] }
            return headerFields[values: name].flatMap { Self.split($0, at: ",") }
        }
        guard fields == .xForwarded else {
            return list("Forwarded").map { element in
                Self.split(element, at: ";").reduce(into: [:]) { hop, pair in
                    let parts = pair.split(separator: "=", maxSplits: 1)
                    guard parts.count == 2 else { return }
                    hop[parts[0].utf8.lowercasedASCII] = String(parts[1].filter { $0 != "\"" })
                }
            }
        }
        let (clients, schemes, hosts) = (list("X-Forwarded-For"), list("X-Forwarded-Proto"), list("X-Forwarded-Host"))
        // Only the first list is sure to have an item for each proxy; a shorter one is the nearest proxy's word.
        func item(_ list: [String], _ index: Int) -> String? { list.count == clients.count ? list[index] : list.last }
        if clients.isEmpty { return [["proto": schemes.last, "host": hosts.last].compactMapValues { $0 }] }
        return clients.enumerated().map { index, client in
            ["for": client, "proto": item(schemes, index), "host": item(hosts, index)].compactMapValues { $0 }
        }
    }

    /// Items between separators outside quotes, trimmed, empty ones left out. Read from the end and by bytes: what stands before
    /// a proxy's item is the client's, which must not open a quote around it, nor hide its separator in one character with
    /// another.
    private static func split(_ text: String, at separator: Unicode.Scalar) -> [String] {
        let bytes = Array(text.utf8)
        var items: [String] = []
        var (end, isQuoted) = (bytes.endIndex, false)
        for index in bytes.indices.reversed() {
            if bytes[index] == UInt8(ascii: "\""), index == 0 || bytes[index - 1] != UInt8(ascii: "\\") { isQuoted.toggle() }
            guard index == 0 || bytes[index] == UInt8(ascii: separator) && !isQuoted else { continue }
            let start = bytes[index] == UInt8(ascii: separator) && !isQuoted ? index + 1 : index
            items.append(String(decoding: bytes[start..<end].trimmingBlanks(), as: UTF8.self))
            end = index
        }
        return items.reversed().filter { !$0.isEmpty }
    }

    /// The address of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; nil for names such
    /// as `unknown` and `_hidden` (RFC 7239 section 6).
    private static func host(ofNode node: String) -> String? {
        var host = node
        if node.hasPrefix("["), let end = node.firstIndex(of: "]") {
            host = String(node[..<end].dropFirst())
        } else if node.count(where: { $0 == ":" }) == 1 {
            host = String(node.prefix { $0 != ":" })
        }
        guard let address = address(host) else { return nil }
        // One client has one name, as in `SocketAddress.read`.
        return address.count == 4 ? address.map(String.init).joined(separator: ".") : host
    }

    private static func address(_ host: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, host, &bytes) == 1 { return Array(bytes.prefix(4)) }
        guard inet_pton(AF_INET6, host, &bytes) == 1 else { return nil }
        return bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) ? Array(bytes.suffix(4)) : bytes
    }
}
