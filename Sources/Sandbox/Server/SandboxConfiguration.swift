/// Where the sandbox listens and what it begins with.
public struct SandboxConfiguration: Sendable {
    /// A desk toy: keep it on the loopback address.
    public var host = "127.0.0.1"
    /// 0 for any free port.
    public var port = 0
    public var seed: SandboxSeed
    public var settings = SandboxSettings()
    /// Gives the address of the vendor's portal, with its user signed in; the integration page links to it.
    public var vendorPortal: (@Sendable () async throws -> String)?

    public init(port: Int = 0, seed: SandboxSeed = .empty) {
        self.port = port
        self.seed = seed
    }
}
