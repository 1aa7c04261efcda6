import Connectors
import Foundation
import HTTPServer
import HTTPTypes
import Secrets
import Store

@testable import Integration
@testable import Portal

/// Values for the pure page tests: one partner, at one moment.
enum PageSample {
    /// A Wednesday, 3 June 2026, 12:05 UTC: 14:05 in Berlin.
    static let now = Date(timeIntervalSince1970: 1_780_488_300)
    static let partner = PartnerID("par_1")
    static let settings: PortalSettings = {
        do {
            return PortalSettings(
                publicURL: "https://perch.example", mappingURL: "https://synthesize.example/map/{organizationId}",
                launchKeys: try LaunchKeys(sharedSecrets: []), version: "1.2.3")
        } catch {
            fatalError("\(error)")
        }
    }()

    static func connection(_ state: ConnectionState, status: String? = nil) -> Connection {
        var connection = Connection(partnerID: partner, state: state, stateSince: now.addingTimeInterval(-3600))
        guard state != .notConnected else { return connection }
        connection.partnerKey = SealedSecret(bytes: [1])
        connection.keyLastFour = "7f3c"
        connection.keySavedAt = now.addingTimeInterval(-7200)
        connection.organizationID = "org 1/2"
        connection.organizationName = "Northwind IT"
        connection.reportedStatus = status
        connection.statusReadAt = now
        return connection
    }

    static func overview(_ standing: ConnectionStanding, name: String = "Northwind IT") -> PartnerOverview {
        let connection =
            switch standing {
            case .notConnected: connection(.notConnected)
            case .connecting, .connectFailed: connection(.connected, status: "inactive")
            case .pendingMapping: connection(.connected, status: "pending")
            case .active: connection(.connected, status: "active")
            case .other(let status): connection(.connected, status: status)
            case .needsNewKey: connection(.needsNewKey, status: "active")
            case .disabled: connection(.disabled, status: "disabled")
            }
        return PartnerOverview(
            partner: Partner(
                id: partner, vendorReference: "msp-1", name: name, timeZone: "Europe/Berlin",
                createdAt: now.addingTimeInterval(-86400)),
            connection: connection, standing: standing, productName: "Shelf",
            fields: [
                EnteredField(
                    field: ConnectorField(
                        name: "apiKey", label: "API Key", help: "In Shelf.", isSecret: true, environmentName: "API_KEY"),
                    shownValue: nil, isStored: connection.state != .notConnected),
                EnteredField(
                    field: ConnectorField(
                        name: "apiURL", label: "API URL", help: "", isSecret: false,
                        defaultValue: "https://shelf.example", environmentName: "API_URL"),
                    shownValue: "https://shelf.example", isStored: connection.state != .notConnected),
            ],
            schedule: nil, failingSchedule: nil, connectJob: nil, activeRun: nil, lastRun: nil, history: [],
            notMapped: NotMappedList(accounts: [], services: [], counts: 0), droppedToZero: [], totals: [], testAlert: nil)
    }

    static func run(_ state: RunState, id: String = "run_1", purpose: RunPurpose = .usage) -> SyncRun {
        var run = SyncRun(
            id: SyncRunID(id), partnerID: partner, purpose: purpose, trigger: .partner, startedBy: "Partner", createdAt: now)
        run.state = state
        run.startedAt = now
        if !state.isActive { run.finishedAt = now.addingTimeInterval(200) }
        return run
    }

    static func line(_ state: UsageLineState, account: String = "Contoso", raw: Decimal = 3, sent: Decimal? = 3) -> UsageLine {
        UsageLine(
            runID: SyncRunID("run_1"), position: 0, accountID: "a-1", accountName: account, serviceID: "s-1",
            serviceName: "Seats", rawCount: raw, sentCount: sent, state: state)
    }

    static func html(_ overview: PartnerOverview, _ occasion: PageOccasion = PageOccasion(csrf: "form-token")) -> String {
        PartnerPage.library.html("partner-page", PartnerPageView(overview, occasion, settings: settings))
    }

    /// The words on the page's buttons, in order; "Sign out" is on every page and left out.
    static func buttons(_ html: String) -> [String] {
        html.matches(of: /<button[^>]*>([^<]*)<\/button>/).map { String($0.output.1) }.filter { $0 != "Sign out" }
    }
}
