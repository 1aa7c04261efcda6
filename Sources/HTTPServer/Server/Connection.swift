import Glibc
import HTTPTypes
import Logging

/// Serves one connection: carries out what its `ConnectionMachine` decides, on a socket that never blocks.
@ServerLoop
final class Connection {
    private(set) var machine: ConnectionMachine
    private let peer: SocketAddress
    private let descriptor: Int32
    private let context: ServerContext
    private let takePlace: @ServerLoop () -> Bool
    private let onClose: @ServerLoop (Connection) -> Void
    private var token: ServerLoop.Token?
    private var isReadable = true
    private var isWritable = true
    /// `settle` will be called again.
    private var isQueued = false
    /// An end was announced: read up to it, however little each read brings.
    private var endIsNear = false
    private var handler: Task<Void, Never>?
    private var reader: CheckedContinuation<Void, Never>?
    private var writer: CheckedContinuation<Void, Never>?

    /// Every connection reads into this one buffer, so that an idle one holds none.
    private static let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    private static let turns = 32

    /// Takes over `descriptor`, which must not block.
    /// - Parameters:
    ///   - isReserved: whether only `ServerConfiguration.alwaysServed` may be answered, unless `takePlace` says that the server is
    ///     no longer full.
    ///   - onClose: called once, when the descriptor is closed.
    init(
        _ descriptor: Int32, peer: SocketAddress, context: ServerContext, isReserved: Bool,
        takePlace: @escaping @ServerLoop () -> Bool, onClose: @escaping @ServerLoop (Connection) -> Void
    ) {
        self.descriptor = descriptor
        self.peer = peer
        self.context = context
        self.takePlace = takePlace
        self.onClose = onClose
        machine = ConnectionMachine(
            limits: context.configuration.limits, timeouts: context.configuration.timeouts,
            isReserved: isReserved, now: .now)
    }

    /// Begins to read. A socket that the system cannot watch is lost from the start.
    func start() {
        token = ServerLoop.watch(descriptor) { [self] news in handle(news) }
        carryOut(token == nil ? machine.lose() : [])
    }

    func tick(_ now: ContinuousClock.Instant) { carryOut(machine.tick(now)) }

    /// Lets the running request finish, ends an event stream, ends an idle connection at once.
    func stop() {
        isReadable = true  // a request that the system holds was sent in good faith and gets its answer
        settle()
        carryOut(machine.stop(.now))
    }

    func cut() { carryOut(machine.lose()) }

    // MARK: The socket

    private func handle(_ news: ServerLoop.News) {
        if news.contains(.writable) { isWritable = true }
        if !news.isDisjoint(with: [.readable, .ended]) { isReadable = true }
        if news.contains(.ended) { endIsNear = true }
        carryOut(
            !news.isDisjoint(with: .broken) ? machine.lose() : news.contains(.ended) ? machine.peerIsEnding() : [])
    }

    private func carryOut(_ effects: [ConnectionMachine.Effect]) {
        perform(effects)
        settle()
    }

    /// Reads and writes until the system or the machine wants no more, then wakes whoever waited for that. A client that keeps
    /// up with its answers must not keep the others waiting: after some turns it goes to the end of the queue.
    private func settle() {
        for turn in 0... {
            guard turn < Self.turns else {
                yield()
                break
            }
            if isReadable, machine.wantsBytes { receive() } else if isWritable, machine.hasUnsent { send() } else { break }
        }
        if !machine.isWaitingForBody { reader.take()?.resume() }
        if !machine.hasUnsent { writer.take()?.resume() }
    }

    private func yield() {
        guard !isQueued else { return }
        isQueued = true
        Task {
            isQueued = false
            settle()
        }
    }

    private func receive() {
        let buffer = Self.scratch
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 {
            // A short read took everything; what comes later is news again.
            isReadable = count == buffer.count || endIsNear
            perform(machine.receive(Array(buffer[..<count]), now: .now))
        } else if count == 0 {
            isReadable = false
            perform(machine.receiveEnd(.now))
        } else if errno == EAGAIN {
            isReadable = false
        } else if errno != EINTR {
            perform(machine.lose())
        }
    }

    private func send() {
        let count = machine.outbox.withUnsafeBytes { outbox in
            let unsent = outbox[machine.sentBytes...]
            // MSG_NOSIGNAL: a write to a closed connection must not end the process with SIGPIPE.
            return Glibc.send(descriptor, UnsafeRawBufferPointer(rebasing: unsent).baseAddress, unsent.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 {
            perform(machine.sent(count, now: .now))
        } else if errno == EAGAIN {
            isWritable = false
        } else if errno != EINTR {
            perform(machine.lose())
        }
    }

    private func perform(_ effects: [ConnectionMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .serve(let head): serve(head)
            case .refuse(let error, let isHead):
                context.logger.debug("Request refused.", metadata: ["client": "\(peer)", "reason": "\(error)"])
                let answer = context.encode(
                    context.refusal(error) ?? error.plainResponse, method: isHead ? .head : .get, version: .http11, keepAlive: false)
                perform(machine.sendLast(answer.head.bytes + answer.body, now: .now))
            case .cancelHandler: handler?.cancel()
            case .finishSending: shutdown(descriptor, Int32(SHUT_WR))
            case .dropUnsent:
                var option = linger(l_onoff: 1, l_linger: 0)
                setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
            case .close:
                if let token { ServerLoop.ignore(descriptor, token) }
                Glibc.close(descriptor)
                onClose(self)
            }
        }
    }

    // MARK: One request

    private func serve(_ head: RequestHead) {
        let number = machine.served
        var request = Request(head: head.request, remoteAddress: peer)
        if head.framing != .none { request.body = RequestBody { [self] in try await nextBodyPiece(of: number) } }
        if machine.isReserved, !context.configuration.alwaysServed.contains(request.path) {
            guard takePlace() else { return start(Self.full, to: head, number) }
            machine.promote()
        }
        context.configuration.trustedProxies.correct(&request)
        if let response = context.immediate(request) {
            return start(response, to: head, number)
        }
        handler = Task { @concurrent [self, context, request] in
            await deliver(await context.respond(to: request), to: head, number)
        }
    }

    private static let full = HTTPError(
        .serviceUnavailable, code: "full", message: "The server has no free connection. Try again in a moment.",
        headerFields: [.retryAfter: "1"]
    ).plainResponse

    private func deliver(_ response: Response, to head: RequestHead, _ number: Int) {
        start(response, to: head, number)
        settle()
    }

    /// Sends what is at hand of an answer; a stream goes on in a task of its own: the handler's would keep the request, and the memory
    /// that its calls took, as long.
    private func start(_ response: Response, to head: RequestHead, _ number: Int) {
        if case .abort = response.body { return perform(machine.lose()) }
        var encoded = context.encode(
            response, method: head.request.method, version: head.version,
            keepAlive: machine.mayPersist(streaming: response.isStream))
        if case .truncated = response.body { encoded.head.keepAlive = false }
        let isStreaming = response.isStream && (encoded.head.framing == .chunked || encoded.head.framing == .untilClose)
        perform(
            machine.answer(
                encoded.head, encoded.body, streaming: isStreaming, isEvents: response.isEventStream, now: .now))
        guard isStreaming, case .stream(let produce) = response.body else { return }
        handler = Task { @concurrent [self, context] in
            let isWhole = await context.produce(produce, BodyWriter { try await self.write($0, of: number) })
            await end(number, isWhole: isWhole)
        }
    }

    private func end(_ number: Int, isWhole: Bool) { carryOut(machine.endAnswer(of: number, isWhole: isWhole, now: .now)) }

    /// Sends a piece of a streamed body, and returns when the system has taken it.
    private func write(_ bytes: [UInt8], of number: Int) async throws(HTTPError) {
        guard writer == nil else { throw .misuse("stream-shared", "A streamed answer was written by two tasks at once.") }
        try machine.write(bytes, of: number, now: .now)
        settle()
        if machine.hasUnsent { await withCheckedContinuation { writer = $0 } }
        if machine.phase == .closed { throw .misuse("client-gone", "The client no longer takes the answer.") }
    }

    /// The next piece of the body, read from the network only now; nil at its end.
    private func nextBodyPiece(of number: Int) async throws(HTTPError) -> [UInt8]? {
        guard reader == nil else { throw .misuse("body-shared", "A request's body was read by two tasks at once.") }
        while true {
            if let event = try machine.bodyPiece(of: number, now: .now) {
                if case .body(let bytes) = event { return bytes } else { return nil }
            }
            settle()
            if machine.isWaitingForBody { await withCheckedContinuation { reader = $0 } }
        }
    }
}
