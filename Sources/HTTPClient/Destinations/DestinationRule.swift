/// Where a request may go. Looked at before it is sent, at every redirect, and once more with the address that is really connected
/// to, so that neither a spelling nor a name server's answer leads elsewhere.
///
/// Behind a proxy the address is the proxy's to find: then the host's name and spelled-out addresses are all that can be looked at.
public struct DestinationRule: Sendable, Hashable {
    /// Names that may be asked; nil for any. Without case; `*.example.com` stands for every name below `example.com`, itself not
    /// included.
    public var hosts: Set<String>?
    /// Addresses that may be connected to although they are not public, by the operator's leave.
    public var networks: [IPNetwork]

    public init(hosts: Set<String>? = nil, networks: [IPNetwork] = []) {
        self.hosts = hosts.map { Set($0.map { $0.lowercased() }) }
        self.networks = networks
    }

    /// Whether a URL's host may be asked, by its name alone.
    public func allows(host: String) -> Bool {
        guard let hosts else { return true }
        let host = host.hasSuffix(".") ? String(host.dropLast()).lowercased() : host.lowercased()
        if hosts.contains(host) { return true }
        // One address has many spellings, and no names below it.
        if let address = IPAddress(urlHost: host) { return hosts.contains { IPAddress(urlHost: $0) == address } }
        var rest = host[...]
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            if hosts.contains("*.\(rest)") { return true }
        }
        return false
    }

    public func allows(_ address: IPAddress) -> Bool {
        address.isPublic || networks.contains { $0.contains(address) }
    }

    /// Why `url` may not be asked, nil when it may.
    func refusal(of origin: RequestURL.Origin) -> String? {
        guard allows(host: origin.host) else {
            return "\(origin.host) is not among the hosts that may be asked (\((hosts ?? []).sorted().joined(separator: ", ")))"
        }
        if let address = IPAddress(urlHost: origin.host) {
            return allows(address) ? nil : Self.notPublic("\(origin.host)", address)
        }
        // Resolvers never ask anybody for these (RFC 6761 section 6.3), a proxy might.
        let name = origin.host.hasSuffix(".") ? origin.host.dropLast() : origin.host[...]
        guard name == "localhost" || name.hasSuffix(".localhost") else { return nil }
        let loopback = [IPAddress(bytes: [127, 0, 0, 1]), IPAddress(bytes: [UInt8](repeating: 0, count: 15) + [1])]
        return loopback.contains(where: allows) ? nil : "\(name) is this machine itself"
    }

    static func notPublic(_ host: String, _ address: IPAddress) -> String {
        "\(host) leads to \(address), which is not a public address, and no setting allows it"
    }
}
