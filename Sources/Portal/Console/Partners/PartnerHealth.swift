import Foundation
import Integration
import Store

/// How badly a partner needs someone's attention.
enum PartnerHealth: Int, Sendable, Hashable, Comparable, CaseIterable {
    /// Nothing reaches Synthesize until the partner pastes a new key.
    case keyRefused
    /// A run waits for an operator.
    case held
    case connectFailed
    case lastRunFailed
    case lastRunPartial
    case well
    case disabled
    case notConnected

    init(_ summary: PartnerSummary) {
        switch summary.standing {
        case .needsNewKey: self = .keyRefused
        case .notConnected: self = .notConnected
        case .disabled: self = .disabled
        case .connectFailed: self = .connectFailed
        case .connecting, .pendingMapping, .active, .other:
            switch summary.lastRun?.state {
            case .held: self = .held
            case .failed: self = .lastRunFailed
            case .partial: self = .lastRunPartial
            case .succeeded, .cancelled, .queued, .running, nil: self = .well
            }
        }
    }

    var needsAttention: Bool { self < .well }

    static func < (left: PartnerHealth, right: PartnerHealth) -> Bool { left.rawValue < right.rawValue }
}

extension BadgeView {
    init(_ standing: ConnectionStanding) {
        switch standing {
        case .notConnected: self.init("Not connected", .quiet)
        case .connecting: self.init("Connecting", .waiting)
        case .connectFailed: self.init("Not finished", .bad)
        case .pendingMapping: self.init("Pending mapping", .waiting)
        case .active: self.init("Active", .good)
        case .other: self.init("Connected", .waiting)
        case .needsNewKey: self.init("Needs a new key", .bad)
        case .disabled: self.init("Disabled", .quiet)
        }
    }

    init(_ state: AlertState) {
        switch state {
        case .queued: self.init("Queued", .waiting)
        case .sending: self.init("Sending", .waiting)
        case .accepted: self.init("Awaiting ticket", .waiting)
        case .delivered: self.init("Ticket opened", .good)
        case .notMapped: self.init("Not mapped", .waiting)
        case .unknown: self.init("No answer", .bad)
        case .failed: self.init("Failed", .bad)
        case .overdue: self.init("No ticket", .bad)
        }
    }
}
