import Foundation

/// A vendor's own API, simulated: where a connector reads customers and counts.
///
/// One file an API; it joins by standing in the list that ``SandboxModel`` begins with.
protocol SimulatedVendorAPI: Sendable {
    /// First segment of its paths, and its name in the control API (`PUT /control/{name}`).
    var name: String { get }

    /// What a connector is told to get in, for the start page: a label and its value each.
    ///
    /// - Parameter origin: where the sandbox listens, for instance `http://127.0.0.1:8080`.
    func access(origin: String) -> [(label: String, value: String)]

    /// What it was asked so far.
    var requests: RequestMeter { get set }

    /// How the meter calls a request: method and path pattern, `other` for what matches none.
    func call(of request: SandboxRequest) -> String

    mutating func answer(_ request: SandboxRequest, at now: Date) -> SandboxAnswer

    /// Takes over a whole new configuration; changes nothing when it is wrong.
    mutating func configure(_ json: JSONValue) throws(SandboxError)
}
