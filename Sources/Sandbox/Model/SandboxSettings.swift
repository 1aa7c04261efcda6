/// How the simulated Synthesize behaves where the contract leaves a choice. Each default is the
/// simulator column of contract section 15; each switch names its row there.
public struct SandboxSettings: Sendable, Equatable {
    /// Requests a token may make in any sliding second before 429 (contract section 2, U-24); nil for no limit.
    public var rateLimit: Int? = 100
    /// Added to every answer of a simulated API, in milliseconds.
    public var latencyMilliseconds = 0
    /// At random up to so much more, for each answer by itself, in milliseconds.
    public var latencySpreadMilliseconds = 0
    /// From an accepted alert to its ticket, in milliseconds (U-23).
    public var ticketDelayMilliseconds = 2000
    /// From the last unit count of a burst to the rebuilt billing view, in milliseconds (contract S4).
    public var billingDelayMilliseconds = 1000
    /// Clients on one page of O3 (U-16).
    public var clientsPageSize = 50
    /// Longest id, name or description accepted, in characters; nil for no limit (U-42).
    public var maximumTextLength: Int?
    /// Most elements in one A2 or D2 call; nil for no limit (U-42).
    public var maximumBulkSize: Int?

    /// Also accept the statuses `disabled` and `error` (U-1).
    public var extendedStatuses = false
    /// Refuse a bare object in A2 with 400 (U-5).
    public var strictAccountArray = false
    /// Let A2 update an account whose id exists, where it answers 409 by default (U-6).
    public var upsertAccounts = false
    /// Behave like an older server: no `isMapped`, no filters on A1 and D1 (U-10).
    public var hideMappings = false
    /// Answer S3 with 200 and no body (U-13).
    public var emptyServiceUpdateAnswer = false
    /// Refuse an alert without priority or status, where both default to 1 (U-20).
    public var strictAlertFields = false
    /// Let a repeated `alertId` update its ticket, where each alert opens one by default (U-21).
    public var updateRepeatedAlerts = false
    /// Accept alerts for unmapped accounts and fail them later, where L1 answers 404 by default (U-22).
    public var queueUnmappedAlerts = false
    /// Send `Retry-After: 1` with a 429 (U-24).
    public var retryAfter = false
    /// Let vendor-level calls through with a token of the vendor key alone, `vendorKey:` (U-26).
    public var allowVendorKeyAlone = false
    /// Read `+` in a path as a space (U-32).
    public var plusAsSpace = false
    /// Refuse an account or service id that is a JSON number (U-33).
    public var strictIds = false
    /// Let S1 create a second service of the same name, where it answers 409 by default (U-37).
    public var allowDuplicateServices = false
    /// Answer 403 to counts without the billing module and alerts without the alerts module (U-40).
    public var enforceModules = false
    /// Send the messages of a 400 as an array, as NestJS does, where they are one text by default
    /// (contract section 2).
    public var validationMessagesAsArray = false
    /// Keep every request to the simulated Synthesize for `GET /control/journal`. Off by default: it grows without end.
    public var journal = false
    /// Let the PSA refuse every ticket, so that L2 answers `failed` (contract L2).
    public var failTickets = false

    public init() {}
}

extension SandboxSettings {
    typealias Switch = any WritableKeyPath<SandboxSettings, Bool> & Sendable
    typealias Number = any WritableKeyPath<SandboxSettings, Int> & Sendable
    typealias Limit = any WritableKeyPath<SandboxSettings, Int?> & Sendable

    /// Names in `PATCH /control/settings`.
    static let switches: [(name: String, path: Switch)] = [
        ("extendedStatuses", \.extendedStatuses), ("strictAccountArray", \.strictAccountArray),
        ("upsertAccounts", \.upsertAccounts), ("hideMappings", \.hideMappings),
        ("emptyServiceUpdateAnswer", \.emptyServiceUpdateAnswer), ("strictAlertFields", \.strictAlertFields),
        ("updateRepeatedAlerts", \.updateRepeatedAlerts), ("queueUnmappedAlerts", \.queueUnmappedAlerts),
        ("retryAfter", \.retryAfter), ("allowVendorKeyAlone", \.allowVendorKeyAlone), ("plusAsSpace", \.plusAsSpace),
        ("strictIds", \.strictIds), ("allowDuplicateServices", \.allowDuplicateServices),
        ("enforceModules", \.enforceModules), ("validationMessagesAsArray", \.validationMessagesAsArray),
        ("failTickets", \.failTickets), ("journal", \.journal),
    ]
    static let numbers: [(name: String, path: Number)] = [
        ("latencyMs", \.latencyMilliseconds), ("latencySpreadMs", \.latencySpreadMilliseconds), ("ticketDelayMs", \.ticketDelayMilliseconds),
        ("billingDelayMs", \.billingDelayMilliseconds), ("clientsPageSize", \.clientsPageSize),
    ]
    /// `null` switches a limit off.
    static let limits: [(name: String, path: Limit)] = [
        ("rateLimit", \.rateLimit), ("maxTextLength", \.maximumTextLength), ("maxBulkSize", \.maximumBulkSize),
    ]

    /// Takes over the settings named in a JSON object, all of them or, when one is wrong, none.
    mutating func apply(_ json: JSONValue) throws(SandboxError) {
        guard let members = json.members else { throw SandboxError(.invalid, "Settings must be a JSON object.") }
        var changed = self
        for member in members { try changed.apply(member) }
        self = changed
    }

    private mutating func apply(_ member: JSONValue.Member) throws(SandboxError) {
        if let setting = Self.switches.first(where: { $0.name == member.name }) {
            guard let value = member.value.bool else {
                throw SandboxError(.invalid, "\(member.name) must be true or false.")
            }
            self[keyPath: setting.path] = value
        } else if let setting = Self.numbers.first(where: { $0.name == member.name }) {
            let least = member.name == "clientsPageSize" ? 1 : 0
            guard let value = member.value.integer, value >= least else {
                throw SandboxError(.invalid, "\(member.name) must be a whole number of at least \(least).")
            }
            self[keyPath: setting.path] = value
        } else if let setting = Self.limits.first(where: { $0.name == member.name }) {
            guard member.value.isNull || (member.value.integer ?? 0) >= 1 else {
                throw SandboxError(.invalid, "\(member.name) must be a whole number of at least 1, or null for no limit.")
            }
            self[keyPath: setting.path] = member.value.integer
        } else {
            let names = (Self.limits.map(\.name) + Self.numbers.map(\.name) + Self.switches.map(\.name)).joined(separator: ", ")
            throw SandboxError(.invalid, "There is no setting \(member.name). Settings: \(names).")
        }
    }

    var json: JSONValue {
        var members: [JSONValue.Member] = []
        for setting in Self.limits {
            let value = self[keyPath: setting.path].map { JSONValue.number(Double($0)) } ?? .null
            members.append(JSONValue.Member(name: setting.name, value: value))
        }
        for setting in Self.numbers {
            members.append(JSONValue.Member(name: setting.name, value: .number(Double(self[keyPath: setting.path]))))
        }
        for setting in Self.switches {
            members.append(JSONValue.Member(name: setting.name, value: .bool(self[keyPath: setting.path])))
        }
        return .object(members)
    }
}
