import Foundation
import Store
import Testing

@Suite("The alert outbox")
struct AlertStoreTests {
    let now = Sample.now
    let partner = Sample.partner()

    @Test("keeps an alert, and gives the stored one for a known alert id", arguments: StoreKind.all)
    func insert(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            let alert = Sample.alert("alr_1", alertID: "same")
            #expect(try await store.insertAlert(alert) == alert)
            #expect(try await store.alert(alert.id) == alert)
            var again = Sample.alert("alr_2", alertID: "same")
            again.title = "Another title"
            #expect(try await store.insertAlert(again) == alert)
            #expect(try await store.alert(AlertID("alr_2")) == nil)
            await expectFailure(.notFound) {
                _ = try await store.insertAlert(Sample.alert("alr_3", Sample.partner(9)))
            }
        }
    }

    @Test("takes one alert when the same is submitted fifty times at once", arguments: StoreKind.all)
    func concurrent(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            let stored = try await withThrowingTaskGroup(of: Alert.self) { group in
                for number in 0..<50 {
                    group.addTask { try await store.insertAlert(Sample.alert("alr_\(number)", alertID: "same")) }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(stored.count == 1)
            #expect(try await store.alerts(partner.id, before: nil, limit: 100).count == 1)
        }
    }

    @Test("gives the same alert id to two partners", arguments: StoreKind.all)
    func twoPartners(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for number in 1...2 {
                try await store.createPartner(Sample.partner(number))
                let alert = Sample.alert("alr_\(number)", Sample.partner(number), alertID: "same")
                #expect(try await store.insertAlert(alert) == alert)
            }
        }
    }

    @Test("lists newest first, page by page", arguments: StoreKind.all)
    func pages(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            for (number, seconds) in [1.0, 3, 3, 2].enumerated() {
                _ = try await store.insertAlert(Sample.alert("alr_\(number)", at: now + seconds))
            }
            func ids(before: String?, limit: Int = 10) async throws -> [String] {
                try await store.alerts(partner.id, before: before.map { AlertID($0) }, limit: limit).map(\.id.rawValue)
            }
            #expect(try await ids(before: nil) == ["alr_2", "alr_1", "alr_3", "alr_0"])
            #expect(try await ids(before: "alr_2", limit: 2) == ["alr_1", "alr_3"])
            #expect(try await ids(before: "alr_0").isEmpty)
            #expect(try await ids(before: "none").isEmpty)
        }
    }

    @Test("does not find another partner's, not even as a place to go on from", arguments: StoreKind.all)
    func foreign(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let other = Sample.partner(2)
            for (owner, id, seconds) in [(other, "older", 1.0), (partner, "mine", 2)] {
                try await store.createPartner(owner)
                _ = try await store.insertAlert(Sample.alert(id, owner, at: now + seconds))
            }
            #expect(try await store.alert(AlertID("mine"), of: partner.id)?.id == AlertID("mine"))
            for id in ["mine", "none"] {
                #expect(try await store.alert(AlertID(id), of: other.id) == nil)
                #expect(try await store.alerts(other.id, before: AlertID(id), limit: 9).isEmpty)
            }
            #expect(try await store.alerts(other.id, before: nil, limit: 9).map(\.id.rawValue) == ["older"])
        }
    }

    @Test("finds what is due, earliest first, and nothing final", arguments: StoreKind.all)
    func due(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            #expect(try await store.earliestAlertAction() == nil)
            try await store.createPartner(partner)
            for (number, seconds) in [3.0, 1, 2, 0].enumerated() {
                _ = try await store.insertAlert(Sample.alert("alr_\(number)", at: now + seconds))
            }
            try await store.updateAlert(AlertID("alr_3")) {
                $0.state = .delivered
                $0.nextActionAt = nil
            }
            #expect(try await store.dueAlerts(at: now + 2, limit: 10).map(\.id.rawValue) == ["alr_1", "alr_2"])
            #expect(try await store.dueAlerts(at: now + 9, limit: 1).map(\.id.rawValue) == ["alr_1"])
            #expect(try await store.earliestAlertAction() == now + 1)
        }
    }

    @Test("takes every state, with a next action exactly when it is not final", arguments: StoreKind.all)
    func states(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            let alert = try await store.insertAlert(Sample.alert("alr_1"))
            for state in AlertState.allCases {
                let written = try await store.updateAlert(alert.id) {
                    $0.state = state
                    $0.nextActionAt = state.isFinal ? nil : Sample.now
                }
                #expect(written.state == state)
                await expectFailure(.constraint) {
                    try await store.updateAlert(alert.id) { $0.nextActionAt = state.isFinal ? Sample.now : nil }
                }
            }
        }
    }

    @Test("changes what happened to an alert, never what it says", arguments: StoreKind.all)
    func update(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            let alert = try await store.insertAlert(Sample.alert("alr_1"))
            var expected = alert
            expected.state = .accepted
            expected.attempts = 2
            expected.nextActionAt = now + 5
            expected.messageID = "m"
            expected.ticketID = "t"
            expected.errors = ["first", "sec\"ond"]
            expected.updatedAt = now + 4
            let wanted = expected
            let written = try await store.updateAlert(alert.id) {
                $0 = wanted
                $0.text = "other"
                $0.alertID = "other"
                $0.createdAt = .distantPast
            }
            #expect(written == expected)
            #expect(try await store.alert(alert.id) == expected)
            await expectFailure(.notFound) { try await store.updateAlert(AlertID("none")) { _ in } }
            #expect(try await store.alert(AlertID("none")) == nil)
        }
    }

    @Test("refuses priorities and status codes that Synthesize does not know", arguments: StoreKind.all)
    func ranges(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            for (priority, code) in [(0, 1), (5, 1), (1, 0), (1, 7)] {
                var alert = Sample.alert("alr_1")
                alert.priority = priority
                alert.statusCode = code
                let refused = alert
                await expectFailure(.constraint) { _ = try await store.insertAlert(refused) }
            }
        }
    }
}
