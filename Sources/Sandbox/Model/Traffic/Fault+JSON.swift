// Faults as `PUT /control/faults` takes them and `GET /control/state` shows them.

extension Fault {
    private static let effectNames = ["status", "drop", "acceptAndDrop", "malformed", "half"]
    private static let fieldNames = ["method", "path", "times", "share", "delayMs", "message", "retryAfter", "body"] + effectNames

    /// Reads one element of the array.
    init(_ json: JSONValue) throws(SandboxError) {
        guard let members = json.members else { throw SandboxError(.invalid, "Each fault must be a JSON object.") }
        if let unknown = members.first(where: { !Self.fieldNames.contains($0.name) }) {
            throw SandboxError(
                .invalid, "A fault has no field \(unknown.name). Fields: \(Self.fieldNames.joined(separator: ", ")).")
        }
        guard let path = json["path"]?.string, path.hasPrefix("/") || path.hasPrefix("*") else {
            throw SandboxError(.invalid, "A fault needs a path: its beginning, or a pattern with *.")
        }
        let method = json["method"]?.string
        let times = try Self.whole("times", json, least: -1) ?? 1
        let delay = try Self.whole("delayMs", json, least: 0)
        let share = json["share"]?.double ?? 1
        guard share > 0, share <= 1 else { throw SandboxError(.invalid, "share must be above 0 and at most 1.") }
        let effect = try Self.effect(json)
        guard effect != .none || delay != nil else {
            throw SandboxError(.invalid, "A fault needs one of status, delayMs, drop, acceptAndDrop, malformed, half.")
        }
        self.init(
            method: method == "*" ? nil : method?.uppercased(), path: path, times: times, share: share, effect: effect,
            delayMilliseconds: delay ?? 0)
    }

    private static func effect(_ json: JSONValue) throws(SandboxError) -> Effect {
        let named = effectNames.filter { name in
            json[name].map { !$0.isNull && $0 != false } ?? false
        }
        guard named.count <= 1 else {
            throw SandboxError(.invalid, "A fault can have one of \(named.joined(separator: " and ")), not both.")
        }
        switch named.first {
        case "status":
            guard let code = json["status"]?.integer, (200...599).contains(code) else {
                throw SandboxError(.invalid, "status must be an HTTP status from 200 to 599.")
            }
            if let text = json["body"]?.string { return .body(text, status: code) }
            let retryAfter = json["retryAfter"].flatMap { $0.string ?? $0.integer.map { String($0) } }
            return .status(code, message: json["message"]?.string, retryAfter: retryAfter)
        case "drop": return .drop
        case "acceptAndDrop": return .acceptAndDrop
        case "malformed": return .malformed
        case "half": return .half
        default: return .none
        }
    }

    private static func whole(_ field: String, _ json: JSONValue, least: Int) throws(SandboxError) -> Int? {
        guard let value = json[field], !value.isNull else { return nil }
        guard let number = value.integer, number >= least else {
            throw SandboxError(.invalid, "\(field) must be a whole number of at least \(least).")
        }
        return number
    }

    var json: JSONValue {
        var status: JSONValue?
        var message: JSONValue?
        var retryAfter: JSONValue?
        var body: JSONValue?
        if case .status(let code, let text, let seconds) = effect {
            status = .number(Double(code))
            message = text.map(JSONValue.string)
            retryAfter = seconds.map(JSONValue.string)
        }
        if case .body(let text, let code) = effect {
            status = .number(Double(code))
            body = .string(text)
        }
        return .object(present: [
            "method": method.map(JSONValue.string), "path": .string(path), "times": .number(Double(times)),
            "share": share == 1 ? nil : .number(share),
            "delayMs": delayMilliseconds == 0 ? nil : .number(Double(delayMilliseconds)),
            "status": status, "message": message, "retryAfter": retryAfter, "body": body,
            "drop": effect == .drop ? true : nil, "acceptAndDrop": effect == .acceptAndDrop ? true : nil,
            "malformed": effect == .malformed ? true : nil, "half": effect == .half ? true : nil,
        ])
    }
}
