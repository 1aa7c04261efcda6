import HTTPClient
import HTTPTypes
import Synchronization
import Testing

/// A call on the wire, by method and end of path; the contract's keys stand beside.
struct Call: Sendable, Hashable, CustomTestStringConvertible {
    var key: String
    var method: HTTPRequest.Method
    var pathEnd: String

    static let getVendor = Call(key: "V1", method: .get, pathEnd: "/api/vendor-api")
    static let createService = Call(key: "S1", method: .post, pathEnd: "/vendor-api/service")
    static let setCount = Call(key: "S4", method: .post, pathEnd: "/count")
    static let getOrganization = Call(key: "O1", method: .get, pathEnd: "/vendor-api/organization")
    static let getAccounts = Call(key: "A1", method: .get, pathEnd: "/organization/accounts")
    static let createAccounts = Call(key: "A2", method: .post, pathEnd: "/organization/accounts")
    static let listCustomers = Call(key: "GET /customers", method: .get, pathEnd: "/api/v1/customers")
    static let listUsers = Call(key: "GET /reports/users", method: .get, pathEnd: "/api/v1/reports/users")

    func matches(_ request: OutgoingRequest) -> Bool {
        let path = request.url.prefix { $0 != "?" }
        return request.method == method && path.hasSuffix(pathEnd)
    }

    var testDescription: String { key }
}

/// The real client with a hand on it: it can lose the way to everybody, stop a call until it is let go, and tell the moment
/// before the n-th call of a kind.
final class Wire: HTTPSender {
    private struct Rule: Sendable {
        var call: Call
        /// Only calls that carry this token; nil for all.
        var token: String?
        /// Counts down to the call that is met; 1 is the next.
        var countdown: Int
        /// Whether calls after that one are met as well.
        var stays: Bool
        var act: @Sendable () async -> Void
    }

    private struct State {
        var isCut = false
        var rules: [Rule] = []
        var gates: [Gate] = []
    }

    private let client: CurlHTTPClient
    private let state = Mutex(State())

    init(_ client: CurlHTTPClient) {
        self.client = client
    }

    /// Nobody is reached any more: connections go to a port where nothing listens.
    func cut() { state.withLock { $0.isCut = true } }

    func mend() { state.withLock { $0.isCut = false } }

    /// Does something before the `number`-th of these calls from now on is sent.
    func before(_ number: Int, _ call: Call, token: String? = nil, _ act: @escaping @Sendable () async -> Void) {
        state.withLock {
            $0.rules.append(Rule(call: call, token: token, countdown: number, stays: false, act: act))
        }
    }

    /// Stops these calls, from the `number`-th on, until the gate is opened.
    func hold(_ call: Call, from number: Int = 1, token: String? = nil) -> Gate {
        let gate = Gate()
        state.withLock {
            $0.gates.append(gate)
            $0.rules.append(Rule(call: call, token: token, countdown: number, stays: true) { await gate.arrive() })
        }
        return gate
    }

    /// Opens all gates, so that nothing hangs at the end.
    func release() {
        for gate in state.withLock({ $0.gates }) { gate.open() }
    }

    func send(_ request: OutgoingRequest) async throws(HTTPClientError) -> IncomingResponse {
        for act in matched(request) { await act() }
        var request = request
        if state.withLock({ $0.isCut }) {
            // Port 1 (tcpmux) is reserved and nothing listens there.
            request.url = "http://127.0.0.1:1/"
        }
        return try await client.send(request)
    }

    private func matched(_ request: OutgoingRequest) -> [@Sendable () async -> Void] {
        state.withLock { state in
            var acts: [@Sendable () async -> Void] = []
            for index in state.rules.indices where state.rules[index].call.matches(request) {
                let rule = state.rules[index]
                if let token = rule.token, request.headerFields[.gradientToken] != token { continue }
                state.rules[index].countdown -= 1
                let left = state.rules[index].countdown
                if left == 0 || left < 0 && rule.stays { acts.append(rule.act) }
            }
            return acts
        }
    }
}

extension HTTPField.Name {
    // The contract's spelling (section 2).
    static let gradientToken = HTTPField.Name("GRADIENT-TOKEN")!
}

/// Where calls wait until a scenario lets them go on.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [AsyncStream<Void>.Continuation] = []
        var watchers: [AsyncStream<Void>.Continuation] = []
        var arrivals = 0
    }

    private let state = Mutex(State())

    /// Waits in the gate; returns when it is open or the task is cancelled.
    func arrive() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let isOpen = state.withLock { state in
            state.arrivals += 1
            for watcher in state.watchers { watcher.finish() }
            state.watchers = []
            if !state.isOpen { state.waiting.append(continuation) }
            return state.isOpen
        }
        if isOpen { return }
        for await _ in stream {}
    }

    /// Returns when somebody has come to the gate.
    func reached() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let isReached = state.withLock { state in
            if state.arrivals == 0 { state.watchers.append(continuation) }
            return state.arrivals > 0
        }
        if isReached { return }
        for await _ in stream {}
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.finish() }
    }
}
