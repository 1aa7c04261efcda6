import HTTPTypes

/// Something that goes wrong with the next requests that match: the tests' way to a bad day.
public struct Fault: Sendable, Equatable {
    public enum Effect: Sendable, Equatable {
        /// Only the delay.
        case none
        /// This status instead of the answer; the request is not carried out.
        case status(Int, message: String?, retryAfter: String?)
        /// This text with this status, for instance an error page with 200; the request is not carried out.
        case body(String, status: Int)
        /// The connection closes without an answer; the request is not carried out.
        case drop
        /// The request is carried out, then the connection closes without an answer.
        case acceptAndDrop
        /// The request is carried out, then answered with 200 and broken JSON.
        case malformed
        /// The request is carried out, then half of the answer's body is sent and the connection closes.
        case half
    }

    /// Nil for any.
    public var method: String?
    /// The beginning of a path as sent (percent-encoded, without query) or, with `*` in it, a pattern
    /// for the whole path in which `*` stands for any text.
    public var path: String
    /// How many requests it strikes; -1 for all.
    public var times: Int
    /// Which share of the matching requests it strikes, by chance (0 to 1); the others go to the next fault that matches.
    public var share: Double
    public var effect: Effect
    /// Held back for so long, whatever the effect.
    public var delayMilliseconds: Int

    public init(method: String? = nil, path: String, times: Int = 1, share: Double = 1, effect: Effect, delayMilliseconds: Int = 0) {
        self.method = method
        self.share = share
        self.path = path
        self.times = times
        self.effect = effect
        self.delayMilliseconds = delayMilliseconds
    }

    func matches(method: HTTPRequest.Method, path: Substring) -> Bool {
        guard self.method == nil || self.method == method.rawValue else { return false }
        return self.path.contains("*") ? Self.pattern(self.path, matches: path) : path.hasPrefix(self.path)
    }

    /// Greedy from the left, with the last piece pinned to the end: linear, and right for `*` alone.
    private static func pattern(_ pattern: String, matches path: Substring) -> Bool {
        let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard let first = pieces.first, let last = pieces.last, path.hasPrefix(first) else { return false }
        var rest = path.dropFirst(first.count)
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let range = rest.firstRange(of: piece) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(last)
    }
}

extension Fault {
    /// The answer that takes the place of carrying the request out; nil when it is carried out.
    var refusal: SandboxAnswer? {
        switch effect {
        case .status(let code, let message, let retryAfter):
            var answer = SandboxAnswer.json(
                ["statusCode": .number(Double(code)), "message": .string(message ?? "Injected fault")],
                status: HTTPResponse.Status(code: code))
            answer.headerFields[.retryAfter] = retryAfter
            return answer
        case .body(let text, let code):
            let isPage = text.hasPrefix("<")
            return SandboxAnswer(
                status: HTTPResponse.Status(code: code),
                headerFields: [.contentType: isPage ? "text/html; charset=utf-8" : "application/json; charset=utf-8"],
                body: Array(text.utf8))
        case .drop:
            var answer = SandboxAnswer(status: .internalServerError)
            answer.delivery = .dropped
            return answer
        case .none, .acceptAndDrop, .malformed, .half: return nil
        }
    }

    /// Does its harm to the answer of a request that was carried out.
    func damage(_ answer: inout SandboxAnswer) {
        switch effect {
        case .none, .status, .body, .drop: break
        case .acceptAndDrop: answer.delivery = .dropped
        case .malformed: answer = .json(Array(#"{"status":200,"data":{"id":"64aa"#.utf8))
        case .half: answer.delivery = .half
        }
    }
}

extension SandboxModel {
    /// Replaces all faults.
    public mutating func setFaults(_ faults: [Fault]) { self.faults = faults.filter { $0.times != 0 } }

    /// The first fault that matches and strikes, counted down.
    mutating func takeFault(method: HTTPRequest.Method, path: Substring) -> Fault? {
        let struck = faults.firstIndex { fault in
            fault.matches(method: method, path: path) && (fault.share >= 1 || identifiers.uniform() < fault.share)
        }
        guard let position = struck else { return nil }
        let fault = faults[position]
        if fault.times > 0 { faults[position].times -= 1 }
        if faults[position].times == 0 { faults.remove(at: position) }
        return fault
    }
}
