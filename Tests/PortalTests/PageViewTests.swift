import Foundation
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("The partner page, by standing")
struct PageViewTests {
    private static let failure = RunFailure(code: "vendor.unreachable", message: "Shelf could not be reached.")

    /// Standing, word on the card, buttons from top to bottom.
    static let standings: [(ConnectionStanding, String, [String])] = [
        (.notConnected, "Not connected", ["Connect"]),
        (.connecting, "Connecting", ["Save schedule", "Disable"]),
        (.connectFailed(failure), "Not finished", ["Connect", "Preview", "Sync Now", "Save schedule", "Test alert", "Disable"]),
        (.pendingMapping, "Pending mapping", ["Connect", "Preview", "Sync Now", "Save schedule", "Test alert", "Disable"]),
        (.active, "Active", ["Connect", "Preview", "Sync Now", "Save schedule", "Test alert", "Disable"]),
        (.other(status: "error"), "Connected", ["Connect", "Preview", "Sync Now", "Save schedule", "Test alert", "Disable"]),
        (.needsNewKey, "Needs a new key", ["Connect", "Save schedule", "Forget key"]),
        (.disabled, "Disabled", ["Enable", "Connect", "Save schedule", "Forget key"]),
    ]

    @Test("shows exactly the buttons that make sense", arguments: standings.indices)
    func buttons(_ index: Int) {
        let (standing, word, buttons) = Self.standings[index]
        let html = PageSample.html(PageSample.overview(standing))
        #expect(PageSample.buttons(html) == buttons)
        #expect(html.contains(">\(word)</span>"))
        #expect(html.contains(#"role="status" aria-label="Connection""#))
    }

    @Test("folds the form away unless connecting is what the page is about", arguments: standings.indices)
    func folding(_ index: Int) {
        let standing = Self.standings[index].0
        let form = ConnectFormView(PageSample.overview(standing), attempt: nil)
        switch standing {
        case .connecting: #expect(form == nil)
        case .notConnected, .needsNewKey, .connectFailed: #expect(form?.foldedUnder == "")
        default: #expect(form?.foldedUnder == "Use another key")
        }
        #expect(form?.isOpen != true)
    }

    @Test("tells a pending partner to go back, map and press Sync Now")
    func pending() {
        let view = PartnerPageView(
            PageSample.overview(.pendingMapping), PageOccasion(csrf: "c"), settings: PageSample.settings)
        #expect(
            view.connection.paragraphs == [
                "Accounts and services are in Synthesize. Go back to Synthesize, press Next and map them; then press Sync Now here."
            ])
        #expect(view.connection.mappingURL == "https://synthesize.example/map/org%201%2F2")
        #expect(view.connection.since?.text == "3 Jun 2026, 13:05")
        #expect(view.connection.facts.map(\.value) == ["Northwind IT", "ends in 7f3c", "pending"])
    }

    @Test("says that mapping must be redone, until it is")
    func mappingLost() {
        var overview = PageSample.overview(.pendingMapping)
        #expect(!PageSample.html(overview).contains("Mapping must be redone in Synthesize"))
        overview.connection.mappingLostAt = PageSample.now
        #expect(PageSample.html(overview).contains("Mapping must be redone in Synthesize"))
    }

    @Test("shows the steps of a running and of a failed connect job")
    func connectSteps() {
        var overview = PageSample.overview(.connecting)
        var job = PageSample.run(.running, purpose: .connect)
        job.stage = .services
        overview.connectJob = job
        #expect(JobStepView.steps(overview).map(\.progress) == ["done", "done", "current", "ahead", "ahead"])
        overview.standing = .connectFailed(Self.failure)
        #expect(JobStepView.steps(overview).map(\.progress) == ["done", "done", "failed", "ahead", "ahead"])
        overview.standing = .active
        #expect(JobStepView.steps(overview).isEmpty)
        overview.standing = .connecting
        let html = PageSample.html(overview)
        #expect(html.contains(#"<noscript><meta http-equiv="refresh" content="3"></noscript>"#))
        #expect(html.contains(#"data-live="yes" data-run="run_1""#))
    }

    @Test("shows a running sync as a progress bar and takes Sync Now away")
    func running() {
        var overview = PageSample.overview(.active)
        var run = PageSample.run(.running)
        run.stage = .usage
        run.tally.accepted = 500
        run.tally.notMapped = 22
        run.tally.open = 878
        overview.activeRun = run
        overview.history = [run]
        let html = PageSample.html(overview)
        #expect(html.contains(#"role="progressbar" aria-label="Sync progress""#))
        #expect(html.contains(#"max="100" value="37""#))
        #expect(html.contains("522 of 1,400 counts sent"))
        #expect(!PageSample.buttons(html).contains("Sync Now"))
        #expect(html.contains(#"http-equiv="refresh""#))
    }

    @Test("is still when nothing is under way")
    func still() {
        let html = PageSample.html(PageSample.overview(.active))
        #expect(!html.contains("http-equiv"))
        #expect(!html.contains("progressbar"))
    }

    @Test("keeps the order of the design")
    func order() throws {
        var overview = PageSample.overview(.active)
        overview.lastRun = PageSample.run(.succeeded)
        overview.history = [PageSample.run(.succeeded)]
        overview.notMapped = NotMappedList(accounts: [.init(id: "a", name: "Contoso")], services: [], counts: 1)
        overview.totals = (0..<2).map {
            ServiceTotal(
                runID: SyncRunID("run_\($0)"), finishedAt: PageSample.now.addingTimeInterval(Double($0)), serviceName: "Seats",
                total: 5)
        }
        let html = PageSample.html(overview)
        let marks = [
            "<h1>", #"aria-label="Connection""#, "Sync Now</button>", #"role="region" aria-label="Not mapped yet""#,
            ">Save schedule<", "<svg", "<caption>Sync history</caption>", ">Test alert</button>", ">Disable</button>",
        ]
        let places = try marks.map { try #require(html.range(of: $0), "\($0) is missing").lowerBound }
        #expect(places == places.sorted())
    }

    @Test("shows no text that came in the address", arguments: ["", "<b>hi</b>", "sync_started", "SYNC-STARTED"])
    func notices(_ word: String) {
        #expect(Notice(rawValue: word) == nil)
    }

    @Test("gives every notice a text and an address that leads to it", arguments: Notice.allCases)
    func notice(_ notice: Notice) {
        #expect(notice.location == "/?done=\(notice.rawValue)")
        #expect(PageSample.html(PageSample.overview(.active), PageOccasion(csrf: "c", notice: notice)).contains(notice.text.prefix(20)))
    }

    @Test("does without a mapping link where none can be made")
    func mappingURL() {
        #expect(PartnerPageView.mappingURL("https://s.example/{organizationId}", organization: nil) == "")
        #expect(PartnerPageView.mappingURL("https://s.example/map", organization: nil) == "https://s.example/map")
        #expect(PartnerPageView.mappingURL("", organization: "o") == "")
    }

    @Test(
        "says what a finished run did",
        arguments: [
            (
                RunTally.make {
                    $0.accepted = 118
                    $0.notMapped = 4
                    $0.excluded = 2
                }, "118 accepted, 4 not mapped, 2 left out (below 1)"
            ),
            (
                RunTally.make {
                    $0.rejected = 1
                    $0.failed = 1200
                    $0.notSent = 3
                }, "1 rejected, 1,200 failed, 3 not sent"
            ),
            (RunTally.make { $0.droppedToZero = 1 }, "1 dropped to zero"),
            (RunTally(), "No counts"),
        ])
    func outcomes(_ tally: RunTally, _ expected: String) {
        #expect(RunSummaryView.outcome(tally) == expected)
    }

    @Test("says what else a run found")
    func remarks() {
        var findings = RunFindings()
        #expect(RunSummaryView.remarks(findings).isEmpty)
        findings.statusBefore = "pending"
        findings.statusAfter = "active"
        findings.accountsCreated = 1
        findings.servicesUpdated = 2
        findings.recordsDropped = 1
        #expect(
            RunSummaryView.remarks(findings) == [
                "With this sync the integration became active in Synthesize.",
                "In Synthesize: 1 account created and 2 services updated.",
                "1 record of the vendor lacked an id, a name or a count and was left out.",
            ])
    }

    @Test("lists what is not mapped, the first names at once")
    func toDo() throws {
        #expect(ToDoListView(NotMappedList(accounts: [], services: [], counts: 0), mappingURL: "") == nil)
        let names = (1...12).map { NotMappedList.Entry(id: "\($0)", name: "Customer \($0)") }
        let view = try #require(ToDoListView(NotMappedList(accounts: names, services: [], counts: 12), mappingURL: "u"))
        #expect(view.accounts?.headline == "12 accounts")
        #expect(view.accounts?.shown.count == 8)
        #expect(view.accounts?.foldedText == "Show 4 more")
        #expect(view.services == nil)
        let nine = try #require(NameListView("service", (1...9).map { "S\($0)" }))
        #expect(nine.shown.count == 9 && nine.folded.isEmpty)
    }

    @Test("offers zeros only when a sync can start")
    func zeros() throws {
        #expect(ZerosView([], canSend: true) == nil)
        var overview = PageSample.overview(.active)
        overview.droppedToZero = [PageSample.line(.droppedToZero, raw: 0, sent: nil)]
        #expect(PageSample.buttons(PageSample.html(overview)).contains("Send zeros"))
        #expect(!PageSample.html(overview).contains("below 1"))
        overview.droppedToZero.append(PageSample.line(.droppedToZero, raw: 0.5, sent: nil))
        #expect(PageSample.html(overview).contains("1 count of these is there but below 1"))
        overview.activeRun = PageSample.run(.queued, id: "run_2")
        #expect(!PageSample.buttons(PageSample.html(overview)).contains("Send zeros"))
    }

    @Test(
        "shows the way of a test alert",
        arguments: [
            (AlertState.queued, nil, ["current", "ahead", "ahead"]), (.sending, nil, ["done", "current", "ahead"]),
            (.accepted, "m", ["done", "done", "current"]), (.delivered, "m", ["done", "done", "done"]),
            (.unknown, nil, ["done", "failed", "ahead"]), (.notMapped, nil, ["done", "failed", "ahead"]),
            (.failed, nil, ["done", "failed", "ahead"]), (.failed, "m", ["done", "done", "failed"]),
            (.overdue, "m", ["done", "done", "failed"]),
        ] as [(AlertState, String?, [String])])
    func alertWay(_ state: AlertState, _ messageID: String?, _ expected: [String]) throws {
        var alert = Alert(
            id: AlertID("alr_1"), partnerID: PageSample.partner, accountID: "a", alertID: "x", title: "Test", text: "t",
            priority: 1, statusCode: 1, isTest: true, createdAt: PageSample.now)
        alert.state = state
        alert.messageID = messageID
        alert.ticketID = state == .delivered ? "T-77" : nil
        alert.errors = ["said the PSA"]
        let way = TestAlertView.Way(alert, LocalTime(zoneName: "UTC"))
        #expect(way.steps.map(\.progress) == expected)
        #expect(way.isUnderWay == !state.isFinal)
        #expect(way.sentence.contains("T-77") == (state == .delivered))
        #expect(way.errors.isEmpty == (state == .delivered))
        var overview = PageSample.overview(.active)
        overview.testAlert = alert
        #expect(PageSample.html(overview).contains(#"data-live="yes""#) == !state.isFinal)
    }
}

extension RunTally {
    static func make(_ change: (inout RunTally) -> Void) -> RunTally {
        var tally = RunTally()
        change(&tally)
        return tally
    }
}
