import Foundation
import HTTPClient
import Synchronization
import Testing

@testable import Connectors

@Suite("Usage that is handed in")
struct UsageFolderTests {
    private static let text = "account_id,account_name,service,count\n1,Acme,Seats,3\n"
    private static let pushed = #"{"accounts": [{"id": "2", "name": "Pushed", "usage": [{"service": "Seats", "count": 9}]}]}"#

    /// A folder with one more beside it, and a clock that is an hour ahead unless turned: times of change cannot be set.
    private final class Bench: Sendable {
        let place: URL
        let ahead = Mutex(3600.0)

        init(place: URL) { self.place = place }

        var folder: URL { place.appending(path: "in") }

        func connector(limit: Int = 1000, maximumAge: Duration = .seconds(7200), folder: Bool = true) -> UsageConnector {
            let services = [
                CatalogueService(
                    name: "Seats", description: "", category: "other", subcategory: "other", basis: CountBasis(name: "seats", version: 1))
            ]
            return UsageConnector(
                UsageIntake(
                    source: UsageSource(id: "files", name: "Example", services: services),
                    folder: folder ? UsageFolder(path: self.folder.path) : nil, limit: limit, maximumAge: maximumAge),
                time: TimeSource(now: { Date(timeIntervalSinceNow: self.ahead.withLock { $0 }) }, elapsed: { .zero }, sleep: { _ in }))
        }

        var now: Date { Date(timeIntervalSinceNow: ahead.withLock { $0 }) }

        func put(_ text: String, _ name: String, writtenAgo age: TimeInterval? = nil) throws {
            let file = folder.appending(path: name)
            try Data(text.utf8).write(to: file)
            guard let age else { return }
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: file.path)
        }
    }

    private func onBench(_ body: (Bench) async throws -> Void) async throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "usage-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place.appending(path: "in"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        try await body(Bench(place: place))
    }

    private func request(
        _ partner: String, received: (text: String, age: TimeInterval)? = nil, form: ReceivedUsage.Form = .snapshot,
        taken: HandedInUsage? = nil
    ) -> FetchRequest {
        FetchRequest(
            credential: ConnectorCredential(openFields: [:], secretFields: [:]), partner: partner,
            received: received.map {
                ReceivedUsage(form: form, bytes: Array($0.text.utf8), name: "use_1", receivedAt: Date(timeIntervalSinceNow: -$0.age))
            }, taken: taken)
    }

    @Test("as a file of the partner's name is the snapshot")
    func file() async throws {
        try await onBench { bench in
            try bench.put(Self.text, "acme.csv")
            try bench.put("broken", "other.csv")
            let connector = bench.connector()
            let snapshot = try await connector.fetchUsage(request("acme"))
            #expect(snapshot.usage == [UsageRecord(accountID: "1", serviceName: "Seats", count: 3)])
            #expect(try await connector.fetchAccounts(request("acme")).accounts == [VendorAccount(id: "1", name: "Acme")])
            #expect(connector.fields.isEmpty)
        }
    }

    @Test(
        "leads nowhere else by a partner's name",
        arguments: [
            ("acme", "acme"), ("northwind it", "northwind%20it"), ("../secret", "%2E./secret".replacing("/", with: "%2F")), ("..", "%2E."),
            (".hidden", "%2Ehidden"), ("/etc/passwd", "%2Fetc%2Fpasswd"), ("a\\b", "a%5Cb"), ("Müller", "M%C3%BCller"),
            ("a%2Fb", "a%252Fb"),
            ("v1.2_x-y", "v1.2_x-y"), ("\t", "%09"),
        ])
    func names(partner: String, name: String) async throws {
        #expect(UsageFolder.fileName(of: partner) == name)
        try await onBench { bench in
            try Data(Self.text.utf8).write(to: bench.place.appending(path: "secret.csv"))
            await expectFailure(.notReceived) { _ = try await bench.connector().fetchUsage(request(partner)) }
            try bench.put(Self.text, name + ".csv")
            #expect(try await bench.connector().fetchUsage(request(partner)).accounts.count == 1)
        }
    }

    @Test("is never half a file, a folder, a link to elsewhere, a pipe, or more than is read; and nothing of it is empty")
    func trouble() async throws {
        try await onBench { bench in
            let file = bench.folder.appending(path: "acme.csv")
            let fetch: () async throws -> Void = { _ = try await bench.connector().fetchUsage(request("acme")) }
            await expectFailure(.notReceived, fetch)
            try FileManager.default.createDirectory(at: file, withIntermediateDirectories: true)
            await expectFailure(.invalidFile, fetch)
            try FileManager.default.removeItem(at: file)
            try Data(Self.text.utf8).write(to: bench.place.appending(path: "secret.csv"))
            try FileManager.default.createSymbolicLink(at: file, withDestinationURL: bench.place.appending(path: "secret.csv"))
            await expectFailure(.invalidFile, fetch)
            try FileManager.default.removeItem(at: file)
            #expect(mkfifo(file.path, 0o600) == 0)
            await expectFailure(.invalidFile, fetch)
            try FileManager.default.removeItem(at: file)

            // A folder that is away has no files to tell of: not even what was pushed before stands in for them.
            try FileManager.default.moveItem(at: bench.folder, to: bench.place.appending(path: "away"))
            await expectFailure(.unreachable, fetch)
            await expectFailure(.unreachable) { _ = try await bench.connector().fetchUsage(request("acme", received: (Self.pushed, 1))) }
            try FileManager.default.moveItem(at: bench.place.appending(path: "away"), to: bench.folder)

            try bench.put(Self.text + String(repeating: "\n", count: 1000), "acme.csv")
            await expectFailure(.tooLarge, fetch)

            // As old as one likes by its own word, the file came to this name just now.
            try bench.put(Self.text, "acme.csv")
            bench.ahead.withLock { $0 = 2 }
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -600)], ofItemAtPath: file.path)
            let error = await expectFailure(.invalidFile, fetch)
            #expect(error?.message.contains("changed a moment ago") == true)
            bench.ahead.withLock { $0 = 7 }
            try await fetch()
        }
    }

    @Test("is taken only when nothing changed while it was read")
    func changedMeanwhile() async throws {
        try await onBench { bench in
            try bench.put(Self.text, "acme.csv")
            let folder = UsageFolder(path: bench.folder.path)
            let found = try #require(try folder.find("acme.csv"))
            let later = Date(timeIntervalSinceNow: 60)
            #expect(try folder.read("acme.csv", found, limit: 1000, now: later) == Array(Self.text.utf8))
            // Of the same length, in place, and renamed over.
            try await Task.sleep(for: .milliseconds(20))
            try bench.put(Self.text.replacing("3", with: "4"), "acme.csv")
            let error = await expectFailure(.invalidFile) { _ = try folder.read("acme.csv", found, limit: 1000, now: later) }
            #expect(error?.message.contains("changed while it was read") == true)
        }
    }

    @Test("goes by the newest, whichever way it came")
    func newest() async throws {
        try await onBench { bench in
            bench.ahead.withLock { $0 = 10 }
            try bench.put(Self.text, "acme.csv")
            func account(_ age: TimeInterval) async throws -> String? {
                try await bench.connector().fetchUsage(request("acme", received: (Self.pushed, age))).accounts.first?.name
            }
            #expect(try await account(60) == "Acme")
            #expect(try await account(-60) == "Pushed")
            #expect(
                try await bench.connector(folder: false).fetchUsage(request("acme", received: (Self.text, 60), form: .file)).accounts
                    .first?.name == "Acme")
        }
    }

    @Test("counts from when it was written, not from when it was put there")
    func order() async throws {
        try await onBench { bench in
            bench.ahead.withLock { $0 = 10 }
            try bench.put(Self.text, "acme.csv", writtenAgo: 7000)
            func taken(_ age: TimeInterval) async throws -> VendorSnapshot {
                try await bench.connector().fetchUsage(request("acme", received: (Self.pushed, age)))
            }
            // Put there later, written before: it neither wins nor fails the sync for its age.
            #expect(try await taken(60).accounts.first?.name == "Pushed")
            #expect(try await taken(6900).handedIn?.kind == .push)
            let snapshot = try await taken(7100)
            #expect(snapshot.accounts.first?.name == "Acme")
            #expect(snapshot.handedIn?.kind == .file && snapshot.handedIn?.name == "acme.csv")
            let intake = try #require(bench.connector().intake)
            let pushed = try #require(try await taken(60).handedIn)
            let outlook = intake.outlook(for: "acme", received: pushed, taken: nil, now: bench.now)
            #expect(outlook.counting == pushed && outlook.problem == nil && outlook.readyAt == pushed.countsFrom)
            #expect(outlook.passedOver?.hasPrefix("acme.csv was written 20") == true)
            #expect(outlook.passedOver?.contains(", before what was pushed 20") == true, "\(outlook.passedOver ?? "")")
        }
    }

    @Test("dated in the future is named as that and blocks nothing that was pushed")
    func future() async throws {
        try await onBench { bench in
            bench.ahead.withLock { $0 = 10 }
            try bench.put(Self.text, "acme.csv", writtenAgo: -90_000)
            let error = await expectFailure(.invalidFile) { _ = try await bench.connector().fetchUsage(request("acme")) }
            #expect(error?.message.hasPrefix("acme.csv is dated in the future (20") == true, "\(error?.message ?? "")")
            let snapshot = try await bench.connector().fetchUsage(request("acme", received: (Self.pushed, 60)))
            #expect(snapshot.accounts.first?.name == "Pushed")
            let intake = try #require(bench.connector().intake)
            #expect(
                intake.outlook(for: "acme", received: snapshot.handedIn, taken: nil, now: bench.now).passedOver?.contains(
                    "dated in the future")
                    == true)
            #expect(intake.outlook(for: "acme", received: nil, taken: nil, now: bench.now).problem == error?.message)

            // Clocks differ by seconds. Such a file counts from when it came, so that the push behind it is newer.
            try bench.put(Self.text, "acme.csv", writtenAgo: -200)
            #expect(try await bench.connector().fetchUsage(request("acme", received: (Self.pushed, 60))).accounts.first?.name == "Acme")
            #expect(try await bench.connector().fetchUsage(request("acme", received: (Self.pushed, -5))).accounts.first?.name == "Pushed")
        }
    }

    @Test("is never older than what the last sync took")
    func older() async throws {
        try await onBench { bench in
            bench.ahead.withLock { $0 = 10 }
            try bench.put(Self.text, "acme.csv", writtenAgo: 600)
            let connector = bench.connector()
            let taken = try #require(try await connector.fetchUsage(request("acme", received: (Self.pushed, 1200))).handedIn)
            #expect(taken.kind == .file)
            // The same again is not older than itself.
            _ = try await connector.fetchUsage(request("acme", received: (Self.pushed, 1200), taken: taken))

            try FileManager.default.removeItem(at: bench.folder.appending(path: "acme.csv"))
            let error = await expectFailure(.olderUsage) {
                _ = try await connector.fetchUsage(request("acme", received: (Self.pushed, 1200), taken: taken))
            }
            for words in [
                "The last sync took the file acme.csv, written 20", "The newest usage now is what was pushed 20", "Nothing was sent",
                "Put the file back, or hand in newer usage.",
            ] {
                #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            }
            await expectFailure(.olderUsage) {
                _ = try await connector.fetchAccounts(request("acme", received: (Self.pushed, 1200), taken: taken))
            }
            let gone = await expectFailure(.notReceived) { _ = try await connector.fetchUsage(request("acme", taken: taken)) }
            #expect(gone?.message.hasPrefix("The last sync took the file acme.csv") == true)

            // An older file in its place is none the better; the one that was taken, and a newer push, are.
            try bench.put(Self.text, "acme.csv", writtenAgo: 700)
            await expectFailure(.olderUsage) { _ = try await connector.fetchUsage(request("acme", taken: taken)) }
            let intake = try #require(connector.intake)
            #expect(intake.outlook(for: "acme", received: nil, taken: taken, now: bench.now).problem?.contains("which is older") == true)
            #expect(try await connector.fetchUsage(request("acme", received: (Self.pushed, 60), taken: taken)).handedIn?.kind == .push)

            // Of two pushes the one that is there came last, though a clock was set back between them.
            let pushed = HandedInUsage(kind: .push, name: "use_0", countsFrom: bench.now)
            let second = try await connector.fetchUsage(request("acme", received: (Self.pushed, 60), taken: pushed))
            #expect(second.handedIn?.kind == .push)
        }
    }

    @Test("that nobody reads is named, with the name it would have to have")
    func strays() async throws {
        try await onBench { bench in
            for name in ["acme.csv", "Acme.CSV", "acme.json", "northwind.csv.txt", "typo.csv", ".acme.part"] { try bench.put("x", name) }
            let strays = UsageFolder(path: bench.folder.path).strays(expected: ["acme.csv", "northwind.csv"])
            #expect(
                strays.shown == [
                    "Acme.CSV is not read: it would have to be called acme.csv.",
                    "acme.json is not read: it would have to be called acme.csv.",
                    "northwind.csv.txt is not read: it would have to be called northwind.csv.",
                    "typo.csv is not read: no partner's file is called so.",
                ])
            for number in 0..<20 { try bench.put("x", "more-\(number).csv") }
            let many = UsageFolder(path: bench.folder.path).strays(expected: ["acme.csv"])
            #expect(many.shown.count == 10 && many.more == 14)
            #expect(UsageFolder(path: "/nonexistent").strays(expected: []) == StrayFiles())
        }
    }

    @Test("is refused when it is old, and when a catalogue no longer has its services")
    func old() async throws {
        try await onBench { bench in
            bench.ahead.withLock { $0 = 10 }
            let connector = bench.connector(maximumAge: .seconds(3600))
            #expect(try await connector.fetchUsage(request("acme", received: (Self.pushed, 3500))).accounts.count == 1)
            let error = await expectFailure(.outdated) {
                _ = try await connector.fetchUsage(request("acme", received: (Self.pushed, 3700)))
            }
            #expect(error?.message.contains("at most 1 are allowed") == true, "\(error?.message ?? "")")
            await expectFailure(.outdated) { _ = try await connector.fetchAccounts(request("acme", received: (Self.pushed, 3700))) }
            await expectFailure(.invalidFile) {
                _ = try await connector.fetchUsage(request("acme", received: (Self.pushed.replacing("Seats", with: "Chairs"), 5)))
            }
            // What a file tells is as old as its content, however newly it was moved here.
            try bench.put(Self.text, "acme.csv")
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: bench.folder.appending(path: "acme.csv").path)
            await expectFailure(.outdated) { _ = try await connector.fetchUsage(request("acme")) }
        }
    }
}
