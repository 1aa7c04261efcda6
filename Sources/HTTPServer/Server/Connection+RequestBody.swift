import HTTPTypes
import Synchronization

extension Connection {
    /// How much of an unread body is read and thrown away to keep the connection; beyond it, closing is cheaper.
    static let discardLimit = 64 * 1024

    /// The next piece of the body, read from the network only now; nil at its end.
    func nextBodyChunk(of message: Int) async throws -> [UInt8]? {
        try beginReading(message)
        defer { inbound.withLock { $0.isBeingRead = false } }
        while true {
            let (event, owesContinue, patience) = try inbound.withLock { inbound throws(HTTPError) in
                let event = try Self.nextBodyEvent(&inbound)
                defer { if event == nil { inbound.owesContinue = false } }
                return (event, inbound.owesContinue, inbound.patience)
            }
            switch event {
            case .body(let bytes): return bytes
            case .end: return nil
            case .head, nil: break
            }
            // RFC 9110 section 10.1.1: sent only once the handler wants the body, so that it can refuse before.
            if owesContinue, await !send(ResponseEncoder.continueHead) { throw Self.incompleteBody }
            try await receiveBody(patience: patience)
        }
    }

    private static let incompleteBody = HTTPError.badRequest("incomplete-body", "The body ended before its announced end.")

    private func beginReading(_ message: Int) throws(HTTPError) {
        try inbound.withLock { inbound throws(HTTPError) in
            guard inbound.message == message else {
                throw HTTPError(
                    .internalServerError, code: "body-over", message: "A request's body was read after its answer.")
            }
            guard !inbound.isBeingRead else {
                throw HTTPError(
                    .internalServerError, code: "body-shared",
                    message: "A request's body was read by two tasks at once.")
            }
            inbound.isBeingRead = true
        }
    }

    private static func nextBodyEvent(_ inbound: inout Inbound) throws(HTTPError) -> RequestParser.Event? {
        if inbound.isBodyComplete { return .end }
        do {
            let event = try inbound.parser.next()
            if event == .end { inbound.isBodyComplete = true }
            return event
        } catch {
            inbound.hasFailed = true
            throw error
        }
    }

    /// Waits for bytes and gives them to the parser.
    private func receiveBody(patience: Duration) async throws {
        let start = Instant.now
        let arrival = await socket.receive(until: start + patience)
        try inbound.withLock { inbound throws(HTTPError) in
            inbound.patience -= .now - start
            if case .bytes(let bytes) = arrival { return inbound.parser.append(bytes) }
            inbound.hasFailed = true
            guard case .timedOut = arrival else { throw Self.incompleteBody }
            throw HTTPError(.requestTimeout, code: "body-timeout", message: "The body took too long.")
        }
    }

    /// Whether the next request can be found: the body was read, or its rest is small and certain to come.
    /// - Parameter discarding: false while somebody may still want the rest.
    func canReachNextRequest(discarding: Bool) -> Bool {
        inbound.withLock { inbound in
            guard discarding else { return inbound.isBodyComplete }
            do {
                while !inbound.isBodyComplete, !inbound.hasFailed {
                    guard try Self.nextBodyEvent(&inbound) == nil else { continue }
                    // A client that still waits for 100 may or may not send its body now.
                    guard !inbound.owesContinue, let left = inbound.parser.bodyBytesLeft else { return false }
                    return left <= Self.discardLimit
                }
                return !inbound.hasFailed
            } catch {
                return false
            }
        }
    }

    /// Reads what the handler left of the body. False when the connection cannot go on.
    func discardBody(of message: Int) async -> Bool {
        if inbound.withLock({ $0.isBodyComplete }) { return true }
        do {
            while try await nextBodyChunk(of: message) != nil {}
            return true
        } catch {
            return false
        }
    }
}
