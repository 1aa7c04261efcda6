/// Reads a JSON text from its bytes as they come and hands out the records at a path one by one, so that an answer of a million
/// records is never in memory as a whole.
///
/// What is not a record is kept: `finish()` gives the text without its records, where paging and errors are read from.
struct RecordReader: Sendable {
    private let path: [JSONPath.Selector]?
    private let limits: JSONLimits
    /// Whether records are elements of a list only: an object in its place stays in the text, where errors are read from.
    private let isOfList: Bool

    private var state = State.value
    private var frames: [Frame] = []
    private var text = JSONText()
    /// Of a number or a word that an earlier piece began.
    private var token: [UInt8] = []
    /// Where the text, number or word being read began.
    private var tokenStart = 0
    private var envelope: JSONValue?

    private var bytesBefore = 0
    private var line = 1
    private var byteOrderMark = 0
    private var isInRecord = false
    private var held = Held()
    private var heldInRecord = Held()

    /// How many records were handed out.
    private(set) var recordCount = 0
    /// Whether the list or object that holds the records was there at all (for a path to one value: that value). Without it nothing is
    /// known, which is not the same as no records.
    private(set) var foundList: Bool

    /// - Parameter records: a path for which `isStreamable` holds; any other finds no record. Nil: nothing is a record, and `finish()`
    ///   gives the whole text.
    init(records: JSONPath?, limits: JSONLimits = JSONLimits()) {
        path = records?.streamableSelectors
        self.limits = limits
        isOfList = false
        foundList = path?.isEmpty == true
    }

    /// - Parameter list: the path to the list whose elements are the records; one for which `isStreamable` holds.
    init(list: JSONPath, limits: JSONLimits = JSONLimits()) {
        path = list.streamableSelectors.map { $0 + [.wildcard] }
        self.limits = limits
        isOfList = true
        foundList = false
    }

    /// Takes the next bytes.
    /// - Throws: `brokenAnswer` where the text stops being JSON, `tooLarge` beyond the limits, and whatever `each` throws. After that
    ///   the reader is of no more use.
    mutating func read(
        _ piece: UnsafeBufferPointer<UInt8>, each: (JSONValue) throws(ConnectorError) -> Void
    ) throws(ConnectorError) {
        let room = limits.totalBytes - bytesBefore
        if piece.count > room {
            // What is allowed is read, so that the verdict does not hang on how the text was cut.
            try read(UnsafeBufferPointer(rebasing: piece.prefix(room)), each: each)
            throw tooLarge("it is longer than \(limits.totalBytes) bytes")
        }
        var next = 0
        while next < piece.count {
            switch state {
            case .text: try readText(piece, &next, each)
            case .number: try readNumber(piece, &next, each)
            case .word: try readWord(piece, &next, each)
            default: try readPunctuation(piece, &next, each)
            }
        }
        bytesBefore += piece.count
    }

    mutating func read(_ bytes: [UInt8], each: (JSONValue) throws(ConnectorError) -> Void) throws(ConnectorError) {
        try bytes.withUnsafeBufferPointer { (piece) throws(ConnectorError) in try read(piece, each: each) }
    }

    /// The text without its records: the list or object they stood in is empty.
    /// - Parameter each: gets the record that only the end of the text completes, a number with nothing around it.
    /// - Throws: `brokenAnswer` when the text ends in the middle.
    mutating func finish(
        each: (JSONValue) throws(ConnectorError) -> Void = { (_) throws(ConnectorError) in }
    ) throws(ConnectorError) -> JSONValue {
        if state == .number { try completeNumber(each) }
        guard state == .done, let envelope else {
            if bytesBefore == byteOrderMark {
                throw ConnectorError(code: .brokenAnswer, message: "There is nothing where JSON was expected.")
            }
            throw broken("it ends in the middle", at: bytesBefore)
        }
        return envelope
    }
}

extension RecordReader {
    /// Reads a text that is all there, and gives it back without its records.
    /// - Throws: `brokenAnswer` also when the list of the records is not there.
    static func forEach(
        at path: JSONPath, in bytes: [UInt8], limits: JSONLimits = JSONLimits(), _ body: (JSONValue) throws(ConnectorError) -> Void
    ) throws(ConnectorError) -> JSONValue {
        var reader = RecordReader(records: path, limits: limits)
        try reader.read(bytes, each: body)
        let envelope = try reader.finish(each: body)
        guard reader.foundList else {
            throw ConnectorError(code: .brokenAnswer, message: "There is nothing at \(path) in the answer. Nothing was changed.")
        }
        return envelope
    }
}

// MARK: - Structure

extension RecordReader {
    private enum State: Sendable {
        case value, firstElement, firstName, name, colon, afterValue, done
        /// Within one of these, which the next piece may continue.
        case text, number, word
    }

    /// A list or an object that is not closed yet.
    private struct Frame: Sendable {
        var isObject: Bool
        var elements: [JSONValue] = []
        var members: [JSONValue.Member] = []
        /// Of the member that comes next.
        var name = ""
        /// Of the element that comes next.
        var index = 0
        /// Names seen, where comparing each with each will not do.
        var names: Set<ExactName> = []
        /// Whether the way from the root to here begins the path of the records.
        var isOnPath: Bool
    }

    private struct ExactName: Hashable, Sendable {
        var name: String
        static func == (one: ExactName, other: ExactName) -> Bool { one.name.isExactly(other.name) }
        func hash(into hasher: inout Hasher) {
            var name = name
            name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    private struct Held: Sendable {
        var values = 0
        var bytes = 0
    }

    private mutating func readPunctuation(
        _ piece: UnsafeBufferPointer<UInt8>, _ next: inout Int, _ each: (JSONValue) throws(ConnectorError) -> Void
    ) throws(ConnectorError) {
        let byte = piece[next]
        let position = bytesBefore + next
        if byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A {
            next += 1
            if byte == 0x0A { line += 1 }
            return
        }
        switch state {
        case .firstElement where byte == UInt8(ascii: "]"), .firstName where byte == UInt8(ascii: "}"):
            next += 1
            try close(each)
        case .value, .firstElement: try beginValue(byte, &next, position)
        case .firstName, .name:
            guard byte == UInt8(ascii: "\"") else { throw broken("expected a name in quotes", at: position) }
            next += 1
            tokenStart = position
            text.begin(isName: true)
            state = .text
        case .colon:
            guard byte == UInt8(ascii: ":") else { throw broken("expected ':'", at: position) }
            next += 1
            state = .value
        case .afterValue:
            let isObject = frames[frames.count - 1].isObject
            next += 1
            if byte == UInt8(ascii: ",") {
                state = isObject ? .name : .value
            } else if byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                try close(each)
            } else {
                throw broken(isObject ? "expected ',' or '}'" : "expected ',' or ']'", at: position)
            }
        case .done, .text, .number, .word: throw broken("unexpected text behind its end", at: position)
        }
    }

    private mutating func beginValue(_ byte: UInt8, _ next: inout Int, _ position: Int) throws(ConnectorError) {
        tokenStart = position
        if isByteOrderMark(byte, position) {
            next += 1
            return
        }
        switch byte {
        case UInt8(ascii: "\""):
            try noteValue(position)
            next += 1
            text.begin(isName: false)
            state = .text
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard frames.count < limits.depth else {
                throw tooLarge("it nests deeper than \(limits.depth) levels at byte \(position)")
            }
            let isOnPath = isNextOnPath
            try noteValue(position)
            next += 1
            frames.append(Frame(isObject: byte == UInt8(ascii: "{"), isOnPath: isOnPath))
            if isOnPath, frames.count == path?.count, path?.last == .wildcard, !isOfList || byte == UInt8(ascii: "[") {
                foundList = true
            }
            state = byte == UInt8(ascii: "{") ? .firstName : .firstElement
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try noteValue(position)
            token.removeAll(keepingCapacity: true)
            state = .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            try noteValue(position)
            token.removeAll(keepingCapacity: true)
            state = .word
        default: throw broken("expected a value", at: position)
        }
    }

    /// Some vendors on Windows begin their answers with one (EF BB BF); RFC 8259 section 8.1 lets a reader pass over it.
    private mutating func isByteOrderMark(_ byte: UInt8, _ position: Int) -> Bool {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard position < mark.count, byteOrderMark == position, byte == mark[position] else { return false }
        byteOrderMark += 1
        return true
    }

    private mutating func close(_ each: (JSONValue) throws(ConnectorError) -> Void) throws(ConnectorError) {
        let frame = frames.removeLast()
        try complete(frame.isObject ? .object(frame.members) : .array(frame.elements), each)
    }

    /// Puts a value that is all there where it belongs.
    private mutating func complete(
        _ value: JSONValue, _ each: (JSONValue) throws(ConnectorError) -> Void
    ) throws(ConnectorError) {
        let isRecord = isInRecord && frames.count == path?.count
        if isRecord {
            isInRecord = false
            foundList = true
            recordCount += 1
            heldInRecord = Held()
            try each(value)
        }
        guard !frames.isEmpty else {
            envelope = isRecord ? .null : value
            state = .done
            return
        }
        state = .afterValue
        let last = frames.count - 1
        frames[last].index += 1
        guard !isRecord else { return }
        if frames[last].isObject {
            frames[last].members.append(JSONValue.Member(name: frames[last].name, value: value))
        } else {
            frames[last].elements.append(value)
        }
    }

    private mutating func takeName(_ name: String, at position: Int) throws(ConnectorError) {
        try noteBytes(name.utf8.count)
        let last = frames.count - 1
        let isKnown: Bool
        if frames[last].isOnPath, !isInRecord {
            // Members that are records are handed out, so their names are kept apart.
            try noteValue(position, isName: true)
            isKnown = !frames[last].names.insert(ExactName(name: name)).inserted
        } else if frames[last].members.count < 16 {
            isKnown = frames[last].members.contains { $0.name.isExactly(name) }
        } else {
            if frames[last].names.isEmpty { frames[last].names = Set(frames[last].members.map { ExactName(name: $0.name) }) }
            isKnown = !frames[last].names.insert(ExactName(name: name)).inserted
        }
        // The name may be long, and somebody's own: it is not repeated here.
        guard !isKnown else { throw broken("a name comes twice in one object", at: position) }
        frames[last].name = name
        state = .colon
    }

    private mutating func noteValue(_ position: Int, isName: Bool = false) throws(ConnectorError) {
        guard byteOrderMark == 0 || byteOrderMark == 3 else { throw broken("expected a value", at: position) }
        if !isName, !isInRecord, frames.count == path?.count, isNextOnPath { isInRecord = true }
        if isInRecord { heldInRecord.values += 1 } else { held.values += 1 }
        guard max(held.values, heldInRecord.values) <= limits.heldValues else {
            throw tooLarge("it holds more than \(limits.heldValues) values at once, at byte \(position)")
        }
    }

    private mutating func noteBytes(_ count: Int) throws(ConnectorError) {
        if isInRecord { heldInRecord.bytes += count } else { held.bytes += count }
        guard max(held.bytes, heldInRecord.bytes) <= limits.heldBytes else {
            throw tooLarge("more than \(limits.heldBytes) bytes of it have to be held at once")
        }
    }

    /// Whether the way to the value that comes next begins the path, or is all of it.
    private var isNextOnPath: Bool {
        guard let path else { return false }
        guard let frame = frames.last else { return true }
        guard frame.isOnPath, frames.count <= path.count else { return false }
        switch path[frames.count - 1] {
        case .name(let name): return frame.isObject && frame.name.isExactly(name)
        case .index(let index): return !frame.isObject && frame.index == index
        case .wildcard: return !(isOfList && frames.count == path.count && frame.isObject)
        case .slice: return false
        }
    }

    private func tooLarge(_ problem: String) -> ConnectorError { .tooLarge(problem, subject: limits.subject) }

    private func broken(_ problem: String, at position: Int) -> ConnectorError {
        ConnectorError(code: .brokenAnswer, message: "This is not JSON in line \(line), byte \(position): \(problem).")
    }
}

// MARK: - Texts, numbers, words

extension RecordReader {
    private mutating func readText(
        _ piece: UnsafeBufferPointer<UInt8>, _ next: inout Int, _ each: (JSONValue) throws(ConnectorError) -> Void
    ) throws(ConnectorError) {
        switch text.take(piece, from: &next, limit: limits.textBytes) {
        case .more: return
        case .broken(let problem): throw broken(problem, at: bytesBefore + next)
        case .tooLong: throw tooLarge("one of its texts is longer than \(limits.textBytes) bytes, at byte \(tokenStart)")
        case .whole(let string):
            guard limits.allowsHalfPairs || !text.hadHalf else {
                throw broken("a text holds half a surrogate pair, which is no character", at: tokenStart)
            }
            if text.isName { return try takeName(string, at: bytesBefore + next - 1) }
            try noteBytes(string.utf8.count)
            try complete(.string(string), each)
        }
    }

    private mutating func readNumber(
        _ piece: UnsafeBufferPointer<UInt8>, _ next: inout Int, _ each: (JSONValue) throws(ConnectorError) -> Void
    ) throws(ConnectorError) {
        let start = next
        while next < piece.count, Self.isOfNumber(piece[next]) { next += 1 }
        token.append(contentsOf: piece[start..<next])
        guard token.count <= limits.numberBytes else {
            throw tooLarge("one of its numbers is longer than \(limits.numberBytes) bytes, at byte \(tokenStart)")
        }
        if next < piece.count { try completeNumber(each) }
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"),
            UInt8(ascii: "E"):
            true
        default: false
        }
    }

    private mutating func completeNumber(_ each: (JSONValue) throws(ConnectorError) -> Void) throws(ConnectorError) {
        guard Self.isNumber(token) else { throw broken("a number is written wrongly", at: tokenStart) }
        try noteBytes(token.count)
        try complete(.number(String(decoding: token, as: UTF8.self)), each)
    }

    /// `[ minus ] int [ frac ] [ exp ]`, RFC 8259 section 6.
    static func isNumber(_ bytes: [UInt8]) -> Bool {
        var next = 0
        func take(_ sign: Unicode.Scalar) -> Bool {
            guard next < bytes.count, bytes[next] == UInt8(ascii: sign) else { return false }
            next += 1
            return true
        }
        func digits() -> Bool {
            let start = next
            while next < bytes.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[next] { next += 1 }
            return next > start
        }
        _ = take("-")
        guard take("0") || digits() else { return false }
        if take("."), !digits() { return false }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            if !digits() { return false }
        }
        return next == bytes.count
    }

    private mutating func readWord(
        _ piece: UnsafeBufferPointer<UInt8>, _ next: inout Int, _ each: (JSONValue) throws(ConnectorError) -> Void
    ) throws(ConnectorError) {
        let word: [UInt8] =
            switch token.first ?? piece[next] {
            case UInt8(ascii: "t"): Array("true".utf8)
            case UInt8(ascii: "f"): Array("false".utf8)
            default: Array("null".utf8)
            }
        while next < piece.count, token.count < word.count {
            guard piece[next] == word[token.count] else { throw broken("expected a value", at: bytesBefore + next) }
            token.append(piece[next])
            next += 1
        }
        guard token.count == word.count else { return }
        try complete(word.count == 5 ? .bool(false) : word[0] == UInt8(ascii: "t") ? .bool(true) : .null, each)
    }
}
