import Store

/// Who asked for something: kept in history and in the audit trail.
public enum Initiator: Sendable, Hashable {
    /// The partner's own user, in a browser.
    case partner(PartnerID, address: String?)
    case `operator`(OperatorKeyID, name: String, address: String?)
    case commandLine
    case schedule
    /// The vendor's portal sent somebody here for the first time.
    case launch

    var trigger: RunTrigger {
        switch self {
        case .partner: .partner
        case .operator: .operator
        case .commandLine: .commandLine
        case .schedule, .launch: .schedule
        }
    }

    /// As shown in history.
    var startedBy: String? {
        switch self {
        case .partner: "Partner"
        case .operator(_, let name, _): name
        case .commandLine: "Command line"
        case .schedule, .launch: nil
        }
    }

    /// As kept in the audit trail.
    public var actor: String {
        switch self {
        case .partner(let id, _): "partner:\(id)"
        case .operator(let id, _, _): "operator:\(id)"
        case .commandLine: "commandLine"
        case .schedule: "schedule"
        case .launch: "launch"
        }
    }

    public var address: String? {
        switch self {
        case .partner(_, let address), .operator(_, _, let address): address
        case .commandLine, .schedule, .launch: nil
        }
    }
}
