import HTTPServerVectors
import HTTPTypes

@testable import HTTPServer

/// One connection's life by chance: bytes cut anywhere, ends, losses, answers, writes, ticks and stops, in any order that a
/// connection, a handler and a client can bring about. `broken` tells the first promise that was not kept.
struct RandomHistory {
    private var line: HandDrivenMachine
    private var generator: SeededGenerator
    private(set) var broken: String?
    private var log: [(action: String, received: [UInt8], wanted: String)] = []

    // The client.
    private var toSend: [UInt8] = []
    private var hasEnded = false
    // The handler.
    private var handler = HandlerState.none
    private enum HandlerState { case none, due, streaming, streamingEvents }
    private var heads = 0
    // The connection.
    private var isClosed = false
    private var isRefused = false
    private var headDeadline: ContinuousClock.Instant?

    private static let largestRead = 1000
    private static let largestAnswer = 3000
    private static let limits: @Sendable (inout ServerLimits) -> Void = { limits in
        (limits.requestLine, limits.headerLine, limits.headerBytes, limits.body) = (200, 200, 1000, 4000)
        limits.requestsPerConnection = 20
    }
    /// One read, what is left of a head, one answer with its head, and the few bytes that the machine adds itself.
    private static let memoryLimit = largestRead + 1000 + largestAnswer + 500

    private static let continueHead = "HTTP/1.1 100 Continue\r\n\r\n".utf8.count

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        line = HandDrivenMachine(
            isReserved: Int.random(in: 0..<10, using: &generator) == 0, limits: Self.limits)
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    mutating func step() {
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<35: deliver()
        case 35..<60: take()
        case 60..<85: handle()
        case 85..<88: useOldNumber()
        case 88..<95:
            line.time += Double(Int.random(in: 0...8000, using: &generator)) / 1000
            note("tick at \(line.time)", mayAdd: handler == .streamingEvents) { $0.tick() }
        case 95: note("announced end") { $0.announceEnd() }
        case 96 where chance(30):
            let wasEvents = handler == .streamingEvents
            if wasEvents { handler = .none }
            note("stop", mayAdd: wasEvents) { $0.stop() }
        case 97 where chance(30): note("loss") { $0.lose() }
        default: break
        }
    }

    /// Brings the history to its end without the client's doing: whatever happened, the deadlines must close the connection
    /// once the handler is done.
    mutating func finish() {
        for _ in 0..<6 where !isClosed && broken == nil {
            if handler == .due { answer() } else if handler != .none { endStream(isWhole: true) }
            line.time += 100
            note("tick at \(line.time)") { $0.tick() }
        }
        if !isClosed { fail("open for ever: \(line.machine.phase)") }
    }

    // MARK: The client and the system

    private mutating func deliver() {
        guard line.machine.wantsBytes else { return }
        if toSend.isEmpty, !hasEnded {
            guard !chance(3) else {
                hasEnded = true
                return note("end") { $0.receiveEnd() }
            }
            // Accepted requests first, or no history would get far.
            let isOdd = chance(15)
            for _ in 0...Int.random(in: 0...4, using: &generator) {
                let vectors = isOdd ? RequestVectors.all : Self.accepted
                toSend += vectors[Int.random(in: vectors.indices, using: &generator)].bytes
            }
        }
        guard !toSend.isEmpty else { return }
        let count = chance(50) ? Self.largestRead : Int.random(in: 1...50, using: &generator)
        let bytes = Array(toSend.prefix(count))
        toSend.removeFirst(bytes.count)
        note("receive", bytes) { $0.receive(bytes) }
    }

    private static let accepted = RequestVectors.all.filter { !$0.isRefused && $0.bytes.count < 150 }

    private mutating func take() {
        guard line.machine.hasUnsent else { return }
        let count = chance(60) ? Int.max : Int.random(in: 1...400, using: &generator)
        note("take \(count)") { $0.take(count) }
    }

    // MARK: The handler

    private mutating func handle() {
        switch handler {
        case .none: break
        case .due where chance(40): read(of: nil)
        case .due: answer()
        // A producer writes on when the system has taken all that it wrote.
        case .streaming, .streamingEvents:
            if chance(30) { return read(of: nil) }
            if chance(20) { return endStream(isWhole: chance(90)) }
            guard !line.machine.hasUnsent else { return }
            let text = String(repeating: "w", count: Int.random(in: 1...500, using: &generator))
            note("write \(text.count)", mayAdd: true) {
                do { try $0.write(text) } catch { return "refused: \(error)" }
                return ""
            }
        }
    }

    private mutating func answer() {
        var response: Response
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<5: return note("abort") { $0.lose() }
        case 5..<25: response = Response(body: .stream { _ in })
        case 25..<40: response = .serverSentEvents { _ in }
        default:
            response = .text(String(repeating: "a", count: Int.random(in: 0...Self.largestAnswer, using: &generator)))
            if chance(5) { response.headerFields[.connection] = "close" }
        }
        heads += 1
        response.headerFields[.eTag] = "\(heads)"
        // To HEAD, a stream is a head and no more.
        let isStream = response.isStream && line.served?.request.method != .head
        handler = !isStream ? .none : response.isEventStream ? .streamingEvents : .streaming
        let answer = response
        note("answer \(heads)", mayAdd: true) {
            do { return try $0.answer(answer) } catch { return "refused: \(error)" }
        }
        // A stopped server ends an event stream as soon as it begins.
        if log.last?.wanted == "cancel" { handler = .none }
    }

    private mutating func endStream(isWhole: Bool) {
        handler = .none
        note("end of stream, whole: \(isWhole)", mayAdd: true) { $0.endStream(isWhole: isWhole) }
    }

    private mutating func read(of number: Int?) {
        let before = line.unsentCount
        note("read", mayAdd: true) {
            do { _ = try $0.read(of: number) } catch {}
            return ""
        }
        let added = line.unsentCount - before
        if added != 0, added != Self.continueHead || number != nil { fail("a body was read, and \(added) bytes were added") }
    }

    /// Somebody kept the body or the writer of an earlier request.
    private mutating func useOldNumber() {
        guard line.machine.served > 1 else { return }
        read(of: line.machine.served - 1)
        note("old write") {
            do { try $0.write("old", of: $0.machine.served - 1) } catch { return "" }
            return "accepted"
        }
        note("old end") { $0.endStream(of: $0.machine.served - 1) }
    }

    // MARK: The promises

    private mutating func fail(_ promise: String) { broken = broken ?? promise }

    /// Does something, and checks what must hold after everything.
    /// - Parameter mayAdd: whether bytes may be added to those to be sent.
    private mutating func note(
        _ action: String, _ received: [UInt8] = [], mayAdd: Bool = false, _ act: (inout HandDrivenMachine) -> String
    ) {
        guard broken == nil else { return }
        let (served, total) = (line.machine.served, line.sentCount + line.unsentCount)
        let words = act(&line)
        log.append((action, received, words))
        let added = line.sentCount + line.unsentCount - total
        let wanted = words.split(separator: " ")

        if isClosed, !wanted.isEmpty || line.machine.hasUnsent { fail("something after the close") }
        if wanted.count(where: { $0 == "close" }) > 1 { fail("closed twice") }
        if wanted.contains("serve") {
            if handler != .none { fail("served while serving") }
            if isRefused { fail("served after a refusal") }
            if line.machine.served != served + 1 { fail("requests are miscounted") }
            if heads != served { fail("\(served) requests, \(heads) answers") }
            handler = .due
        }
        if wanted.contains("refuse") {
            if isRefused || handler != .none { fail("refused twice, or while serving") }
            isRefused = true
        }
        if added > 0, !mayAdd, !wanted.contains("refuse") { fail("\(added) bytes out of nothing") }
        if wanted.contains("close") {
            isClosed = true
            if !wanted.contains("cancel") {
                if handler != .none { fail("closed in order, with a request unanswered") }
                if added < 0 || line.machine.hasUnsent { fail("closed in order, with \(-added) bytes unsent") }
            }
            handler = .none
        } else if added < 0 {
            fail("\(-added) bytes lost")
        }

        if case .readingHead(let until) = line.machine.phase {
            if let headDeadline, headDeadline != until { fail("the head's deadline was moved") }
            headDeadline = until
        } else {
            headDeadline = nil
        }
        // Looking through the whole machine takes longer than all the rest.
        if log.count.isMultiple(of: 4), case let memory = byteCount(of: line.machine), memory > Self.memoryLimit {
            fail("\(memory) bytes are held")
        }
    }

    /// What was done, and what the machine wanted then.
    var story: String {
        log.map { entry in
            let received = entry.received.isEmpty ? "" : " " + String(decoding: entry.received, as: UTF8.self).debugDescription
            return "\(entry.action)\(received) > \(entry.wanted)"
        }.joined(separator: "\n")
    }

    /// The answers that were sent, by their number, in order; whole or not.
    var answersSent: [Int] {
        (line.sent + line.unsent).split(separator: "\r\nETag: ").dropFirst().compactMap { part in Int(part.prefix { $0.isNumber }) }
    }

    /// All bytes in arrays within `value`, however deep.
    private func byteCount(of value: Any) -> Int {
        if let bytes = value as? [UInt8] { return bytes.count }
        return Mirror(reflecting: value).children.reduce(0) { $0 + byteCount(of: $1.value) }
    }
}
