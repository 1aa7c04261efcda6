/// Which proxy the environment names for a URL, by curl's rules: `http_proxy` in lower case only, `https_proxy`, `all_proxy` and
/// `no_proxy` in either.
///
/// libcurl would find it by itself, but does not tell whether it did: and whether the address connected to is the server's or a
/// proxy's decides whether it may be private.
struct ProxyChoice: Sendable {
    private let proxies: [RequestURL.Scheme: String]
    private let exceptions: [Substring]

    init(environment: [String: String]) {
        func first(_ names: String...) -> String? { names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } }
        let all = first("all_proxy", "ALL_PROXY")
        proxies = [.http: first("http_proxy") ?? all, .https: first("https_proxy", "HTTPS_PROXY") ?? all].compactMapValues { $0 }
        exceptions = (first("no_proxy", "NO_PROXY") ?? "").lowercased().split { $0 == "," || $0 == " " }
    }

    /// Nil for the straight way.
    func proxy(for origin: RequestURL.Origin) -> String? {
        guard let proxy = proxies[origin.scheme], !exceptions.contains(where: { Self.matches(origin.host, $0) }) else { return nil }
        return proxy
    }

    /// `*`, a name and all below it, or an address or a range.
    private static func matches(_ host: String, _ exception: Substring) -> Bool {
        if exception == "*" { return true }
        if let address = IPAddress(urlHost: host) {
            let range = exception.hasPrefix("[") ? exception.dropFirst().prefix { $0 != "]" } : exception
            return IPNetwork(String(range))?.contains(address) ?? false
        }
        func withoutDot(_ name: Substring) -> Substring { name.hasSuffix(".") ? name.dropLast() : name }
        let name = withoutDot(host[...])
        let suffix = withoutDot(exception.hasPrefix(".") ? exception.dropFirst() : exception)
        return name == suffix || name.hasSuffix(".\(suffix)")
    }
}
