import Glibc

/// An IPv4 or IPv6 address: 4 or 16 bytes in network order.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    public let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// An address in the usual notation: `192.0.2.1`, `2001:db8::1`.
    public init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: &four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            bytes = withUnsafeBytes(of: &six) { Array($0) }
        } else {
            return nil
        }
    }

    /// The address that a URL's host spells out, in any notation that resolvers take: `127.1`, `0x7f.0.0.1`, `0177.0.0.1`, `2130706433`, `[::1]`.
    /// Nil for a name.
    init?(urlHost host: String) {
        var text = Substring(host)
        if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
        if text.hasSuffix(".") { text = text.dropLast() }
        if let address = IPAddress(String(text)) {
            self = address
            return
        }
        var four = in_addr()
        guard inet_aton(String(text), &four) != 0 else { return nil }
        bytes = withUnsafeBytes(of: &four) { Array($0) }
    }

    /// Where a socket leads to; nil for another family than IPv4 and IPv6.
    /// - Parameter address: of a `sockaddr` that is as long as its family asks.
    init?(socketAddress address: UnsafeRawPointer) {
        switch Int32(address.loadUnaligned(as: sockaddr.self).sa_family) {
        case AF_INET: bytes = withUnsafeBytes(of: address.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
        case AF_INET6: bytes = withUnsafeBytes(of: address.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
        default: return nil
        }
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // Fails only for another family or too little room: then the text stays empty.
        _ = bytes.withUnsafeBytes { inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, $0.baseAddress, &text, socklen_t(text.count)) }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether it belongs to one host on the public Internet, by IANA's registries of special-purpose addresses (RFC 6890 and its
    /// updates). IPv6: what is not of 2000::/3 is none; addresses that carry an IPv4 address in them are as public as that, or none.
    public var isPublic: Bool {
        if bytes.count == 16 {
            if let embedded = translated { return embedded.isPublic }
            return Self.globalUnicast.contains(self) && !Self.specialIPv6.contains { $0.contains(self) }
        }
        return !Self.specialIPv4.contains { $0.contains(self) }
    }

    /// The IPv4 address behind a translator of a network that speaks IPv6 only (NAT64, RFC 6052): such a network's name servers give
    /// it for every IPv4 host, a private one included.
    private var translated: IPAddress? {
        Self.translators.contains(self) ? IPAddress(bytes: Array(bytes.suffix(4))) : nil
    }

    private static let globalUnicast = IPNetwork(literal: "2000::/3")
    private static let translators = IPNetwork(literal: "64:ff9b::/96")
    private static let specialIPv4 = [
        "0.0.0.0/8",  // this network
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  // private
        "100.64.0.0/10",  // shared by a carrier's customers; 100.100.100.200 is a cloud's metadata
        "127.0.0.0/8",  // loopback
        "169.254.0.0/16",  // link-local; 169.254.169.254 is most clouds' metadata
        "168.63.129.16/32",  // Azure's metadata, though the address is of a public range
        "192.0.0.0/24",  // protocol assignments; 192.0.0.192 is a cloud's metadata
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  // documentation
        "192.88.99.0/24",  // 6to4 relays
        "198.18.0.0/15",  // benchmarks
        "224.0.0.0/4", "240.0.0.0/4",  // multicast, reserved, broadcast
    ].map(IPNetwork.init(literal:))
    private static let specialIPv6 = [
        "2001::/23",  // protocol assignments, Teredo among them
        "2001:db8::/32", "3fff::/20",  // documentation
        "2002::/16",  // 6to4: an IPv4 address in it
    ].map(IPNetwork.init(literal:))
}

/// A range of addresses: `10.1.0.0/16`, `fd00::/8`, or one address.
public struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    public let address: IPAddress
    /// How many of its leading bits count.
    public let prefixLength: Int

    /// - Returns: nil when the text is no range, or has bits set behind its prefix: whoever writes 10.0.0.1/8 may have meant the one
    ///   address.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        let bits = address.bytes.count * 8
        if parts.count == 1 {
            prefixLength = bits
        } else {
            guard parts[1].utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let length = Int(parts[1]),
                (0...bits).contains(length)
            else { return nil }
            prefixLength = length
        }
        self.address = address
        guard (prefixLength..<bits).allSatisfy({ !address.bit($0) }) else { return nil }
    }

    /// For the tables in this file; a text that is no range gives one that holds nothing public, the unspecified address.
    fileprivate init(literal text: String) {
        self = IPNetwork(text) ?? IPNetwork(address: IPAddress(bytes: [0, 0, 0, 0]), prefixLength: 32)
    }

    private init(address: IPAddress, prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }

    public func contains(_ other: IPAddress) -> Bool {
        other.bytes.count == address.bytes.count && (0..<prefixLength).allSatisfy { address.bit($0) == other.bit($0) }
    }

    public var description: String { "\(address)/\(prefixLength)" }
}

extension IPAddress {
    fileprivate func bit(_ position: Int) -> Bool { bytes[position / 8] & (0x80 >> UInt8(position % 8)) != 0 }
}
