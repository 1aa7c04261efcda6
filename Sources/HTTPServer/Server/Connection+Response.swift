import HTTPTypes
import Synchronization

extension Connection {
    func deliver(_ response: Response, to head: RequestHead, mayPersist: Bool) async -> Outcome {
        if case .abort = response.body { return .cut }
        var isStream = false
        if case .stream = response.body { isStream = true }  // its producer may read the body while it writes
        let keepAlive =
            mayPersist && head.keepAlive && canReachNextRequest(discarding: !isStream) && !control.withLock { $0.isStopping }
        let encoded = encode(response, method: head.request.method, version: head.version, keepAlive: keepAlive)
        // The final answer's head goes out now: a 100 after it would be read as part of the body.
        inbound.withLock { $0.owesContinue = false }
        // Head and body in one write: with TCP_NODELAY set, two would be two packets.
        guard await send(encoded.head.bytes + encoded.body) else { return .cut }
        if case .stream(let produce) = response.body, !encoded.isSubstitute, encoded.head.framing != .none {
            guard await stream(produce, chunked: encoded.head.framing == .chunked, isEvents: response.isEventStream)
            else { return .cut }
        }
        if case .truncated = response.body { return .cut }
        return encoded.head.keepAlive ? .persist : .closeGently
    }

    /// Whether a streamed body is open, whether a write is under way, and whether one failed, perhaps half-way.
    private final class StreamGate: Sendable {
        private let state = Mutex((isOpen: true, isWriting: false, isBroken: false))

        func enter() throws(HTTPError) {
            try state.withLock { state throws(HTTPError) in
                guard state.isOpen, !state.isBroken else {
                    throw HTTPError(
                        .internalServerError, code: "stream-over",
                        message: "A streamed answer was written to after its end.")
                }
                guard !state.isWriting else {
                    throw HTTPError(
                        .internalServerError, code: "stream-shared",
                        message: "A streamed answer was written by two tasks at once.")
                }
                state.isWriting = true
            }
        }

        func leave(broken: Bool) { state.withLock { ($0.isWriting, $0.isBroken) = (false, broken) } }

        /// Closes it. False when the client did not get all that was written.
        func close() -> Bool {
            state.withLock { state in
                state.isOpen = false
                return !state.isBroken && !state.isWriting
            }
        }
    }

    /// Runs the producer of a body. False when the body is incomplete and the connection must be cut, which is how
    /// the client learns of it (RFC 9112 section 8).
    private func stream(
        _ produce: @escaping @Sendable (BodyWriter) async throws -> Void, chunked: Bool, isEvents: Bool
    ) async -> Bool {
        let gate = StreamGate()
        let writer = BodyWriter { [self] bytes in
            try gate.enter()
            do throws(Socket.SendFailure) {
                try await socket.send(chunked ? ResponseEncoder.chunk(bytes) : bytes, timeout: context.timeouts.write)
                gate.leave(broken: false)
            } catch {
                gate.leave(broken: true)
                if error == .cancelled { throw CancellationError() }
                throw HTTPError(
                    .internalServerError, code: "client-gone", message: "The client no longer takes the answer.")
            }
        }
        let failure = isEvents ? await produceEvents(produce, writer) : await Self.produce(produce, writer)
        let isWhole = gate.close()
        guard failure == nil, isWhole else {
            let reason = failure.map { "\($0)" } ?? "a write failed"
            context.logger.debug("A streamed answer was cut.", metadata: ["client": "\(socket.peer)", "reason": "\(reason)"])
            return false
        }
        return chunked ? await send(ResponseEncoder.lastChunk) : true
    }

    private static func produce(
        _ produce: @Sendable (BodyWriter) async throws -> Void, _ writer: BodyWriter
    ) async -> (any Error)? {
        do {
            try await produce(writer)
            return nil
        } catch {
            return error
        }
    }

    /// As `produce`, in a task that is cancelled when the client goes away or the server stops. Ended for the latter
    /// reason, the stream is complete: the browser connects again, to the server's successor.
    private func produceEvents(
        _ produce: @escaping @Sendable (BodyWriter) async throws -> Void, _ writer: BodyWriter
    ) async -> (any Error)? {
        let task = Task { await Self.produce(produce, writer) }
        socket.whenEnded { task.cancel() }
        let isStopping = control.withLock { control in
            control.endEventStream = { task.cancel() }
            return control.isStopping
        }
        if isStopping { task.cancel() }
        let failure = await withTaskCancellationHandler { await task.value } onCancel: { task.cancel() }
        socket.whenEnded(nil)
        return control.withLock { control in
            control.endEventStream = nil
            return control.isStopping && failure is CancellationError ? nil : failure
        }
    }
}
