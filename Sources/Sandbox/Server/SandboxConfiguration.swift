/// Where the sandbox listens and what it begins with.
public struct SandboxConfiguration: Sendable {
    /// A desk toy: keep it on the loopback address.
    public var host = "127.0.0.1"
    /// 0 for any free port.
    public var port = 0
    public var seed: SandboxSeed
    public var settings = SandboxSettings()

    public init(port: Int = 0, seed: SandboxSeed = .empty) {
        self.port = port
        self.seed = seed
    }
}
