import Foundation

/// Scheme, host and port of a web address, serialized as browsers do in `Origin` (RFC 6454 section 6.2).
struct WebOrigin: Sendable, Hashable, CustomStringConvertible {
    let description: String
    let isSecure: Bool

    /// Nil unless `address` is an http or https address with a host.
    init?(_ address: String) {
        guard let components = URLComponents(string: address), let host = components.host?.lowercased(), !host.isEmpty,
            let scheme = components.scheme?.lowercased(), let defaultPort = Self.defaultPorts[scheme]
        else { return nil }
        isSecure = scheme == "https"
        let port = components.port.flatMap { $0 == defaultPort ? nil : ":\($0)" } ?? ""
        description = "\(scheme)://\(host)\(port)"
    }

    private static let defaultPorts = ["http": 80, "https": 443]
}

extension PortalSettings {
    /// Whether browsers reach the service over https; then cookies are `Secure` and HSTS is sent.
    var isSecure: Bool { WebOrigin(publicURL)?.isSecure ?? false }
}
