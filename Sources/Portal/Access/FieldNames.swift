import HTTPTypes

extension HTTPField.Name {
    /// Fetch Metadata: how the page that made the request is related to this site.
    static let secFetchSite = known("Sec-Fetch-Site")
    static let referrerPolicy = known("Referrer-Policy")
    static let permissionsPolicy = known("Permissions-Policy")
    static let crossOriginOpenerPolicy = known("Cross-Origin-Opener-Policy")
    /// Tells nginx not to collect an event stream before it passes it on.
    static let accelBuffering = known("X-Accel-Buffering")

    static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not the name of a field") }
        return name
    }
}
