import Foundation
import HTTPServer
import HTTPTypes
import Secrets
import Testing

@testable import Portal

@Suite("Guesses at operator keys")
struct GuessLedgerTests {
    let start = Date(timeIntervalSince1970: 1_800_000_000)

    @Test("cost nothing at first, then a wait that doubles to a minute, and are forgotten after a quarter of an hour")
    func backOff() {
        var ledger = GuessLedger()
        var now = start
        for _ in 0..<GuessLedger.free {
            #expect(ledger.wait(["a"], at: now) == 0)
            ledger.failed(["a"], at: now)
        }
        for expected in [1.0, 2, 4, 8, 16, 32, 60, 60] {
            #expect(ledger.wait(["a"], at: now) == expected)
            #expect(ledger.wait(["a"], at: now + expected - 0.001) > 0)
            #expect(ledger.wait(["b"], at: now) == 0, "only who guessed waits")
            now += expected
            #expect(ledger.wait(["a"], at: now) == 0)
            ledger.failed(["a"], at: now)
        }
        #expect(ledger.wait(["b", "a"], at: now) == 60, "any of its names makes it wait")
        #expect(ledger.wait(["a"], at: start - 9999) <= 60, "a clock set back makes nobody wait for hours")
        #expect(ledger.wait(["a"], at: now + GuessLedger.memory) == 0)
    }

    /// More than the tries that cost 500 addresses nothing.
    private static let guesses = 3_000

    @Test("of thousands from one address: a few are looked at; from five hundred: a few each; the owner gets in all the while")
    func flood() async throws {
        for addresses in [1, 500] {
            try await withAdminOffice { office in
                let handler = WebSurface(office.environment).handler
                let owner = try #require(office.keys[.admin]).reveal()
                func ask(_ key: String, from address: String) async throws -> Int {
                    var request = Request(.get, "/api/v1/partners", headerFields: [.authorization: "Bearer " + key])
                    request.remoteAddress = SocketAddress(host: address, port: 1)
                    return try await handler(request).status.code
                }
                // The owner was here before.
                #expect(try await ask(owner, from: "10.1.0.0") == 200)
                var answers: [Int: Int] = [:]
                for number in 0..<Self.guesses {
                    let address = "10.1.\(number % addresses / 250).\(number % addresses % 250)"
                    answers[try await ask("opk_guess\(number)", from: address), default: 0] += 1
                    if number % 500 == 499 {
                        // From the very address that the guesses come from, and from one that never was here.
                        #expect(try await ask(owner, from: "10.1.0.0") == 200)
                        #expect(try await ask(owner, from: "192.0.2.7") == 200)
                    }
                }
                #expect(answers[401] == GuessLedger.free * addresses)
                #expect(answers[429] == Self.guesses - GuessLedger.free * addresses)
                let refused = try await office.store.auditEntries(after: 0, limit: 9_999).count { $0.action == "operatorKey.refused" }
                #expect(refused == GuessLedger.free * addresses)
            }
        }
    }

    @Test("get 429 with Retry-After and are not even looked up; the right key after them waits too, unless it was there before")
    func guessedRight() async throws {
        try await withAdminOffice { office in
            let handler = WebSurface(office.environment).handler
            let key = try #require(office.keys[.viewer]).reveal()
            func ask(_ key: String) async throws -> Answer {
                try await Answer(handler(Request(.get, "/api/v1/partners", headerFields: [.authorization: "Bearer " + key])))
            }
            for number in 0..<GuessLedger.free { #expect(try await ask("opk_\(number)").status == 401) }
            let told = try await ask(key)
            #expect(told.status == 429 && told.headerFields[.retryAfter] == "1")
            #expect(try told.json.code.string == "tooManyTries")
            office.clock.turn(.seconds(1))
            #expect(try await ask(key).status == 200)
            // Known from here now: whatever others behind this address do, it opens.
            for number in 0..<20 { _ = try await ask("opk_again\(number)") }
            #expect(try await ask("opk_other").status == 429)
            #expect(try await ask(key).status == 200)
        }
    }

    @Test("of ten thousand in one second, from 1 address and from 500, let a few through", arguments: [1, 500])
    func tenThousand(addresses: Int) {
        let accessGuard = AccessGuard()
        let owner = Secret("opk_owner")
        accessGuard.succeeded(owner, from: "10.0.0.0")
        var looked = 0
        for number in 0..<10_000 {
            let (address, guess) = ("10.0.\(number % addresses / 250).\(number % addresses % 250)", Secret("opk_\(number)"))
            do throws(HTTPError) {
                try accessGuard.admit(guess, from: address, at: start)
                accessGuard.failed(guess, from: address, at: start)
                looked += 1
            } catch {
                #expect(error.status == .tooManyRequests)
            }
        }
        #expect(looked == GuessLedger.free * addresses)
        #expect(throws: Never.self) { try accessGuard.admit(owner, from: "10.0.0.0", at: start) }
        #expect(throws: Never.self) { try accessGuard.admit(Secret("opk_new"), from: "192.0.2.1", at: start) }
    }

    @Test("of one wrong key from many addresses wait as well: a forgotten script does not hammer")
    func sameKey() async throws {
        let accessGuard = AccessGuard()
        for number in 0..<GuessLedger.free {
            accessGuard.failed(Secret("opk_old"), from: "10.0.0.\(number)", at: start)
        }
        #expect(throws: HTTPError.self) { try accessGuard.admit(Secret("opk_old"), from: "10.9.9.9", at: start) }
        #expect(throws: Never.self) { try accessGuard.admit(Secret("opk_new"), from: "10.9.9.9", at: start) }
    }

    @Test("count by the network that one customer has")
    func networks() {
        #expect(AccessGuard.network("192.0.2.1") == "192.0.2.1")
        #expect(AccessGuard.network("2001:db8:1:2::1") == AccessGuard.network("2001:db8:1:2:ffff::9"))
        #expect(AccessGuard.network("2001:db8:1:2::1") != AccessGuard.network("2001:db8:1:3::1"))
        #expect(AccessGuard.network("::ffff:192.0.2.1") == "192.0.2.1")
        #expect(AccessGuard.network("::ffff:192.0.2.1") != AccessGuard.network("::ffff:192.0.2.2"))
        #expect(AccessGuard.network("nonsense:") == "nonsense:")
    }

    @Test("are remembered in bounded memory, the newest for longest")
    func bounded() {
        var ledger = GuessLedger()
        for number in 0..<(GuessLedger.capacity * 2) {
            for _ in 0..<6 { ledger.failed(["n\(number)"], at: start + Double(number) / 1000) }
        }
        #expect(ledger.wait(["n\(GuessLedger.capacity * 2 - 1)"], at: start + Double(GuessLedger.capacity * 2) / 1000) > 0)
        var dumped = 0
        for child in Mirror(reflecting: ledger).children where child.label == "records" {
            dumped = Mirror(reflecting: child.value).children.count
        }
        #expect(dumped <= GuessLedger.capacity)
    }
}

@Suite("Entering the key again")
struct ConfirmationTests {
    @Test("is asked for where something is hard to take back, and another operator's key does not do")
    func confirmation() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let run = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
            try await office.store.finishRun(run.id, state: .held, failure: nil, findings: .init(), at: office.clock.now)
            var admin = try await ConsoleBrowser(office, as: .admin)
            let right = admin.operatorKey
            let targets = [
                ("/console/runs/\(run.id)/release", ""), ("/console/operators", "name=New&role=admin"),
                ("/console/operators/\(try #require(office.keyIDs[.viewer]))/revoke", ""),
            ]
            let before = try await office.store.dump()
            for (target, form) in targets {
                for wrong in ["", "opk_wrong", try #require(office.keys[.operator]).reveal()] {
                    office.clock.turn(.seconds(61))
                    admin.operatorKey = wrong
                    let answer = try await admin.post(target, form)
                    #expect(answer.status == 403 && answer.text.contains("Enter your own operator key again"), "\(target)")
                }
            }
            #expect(try await office.store.dump() == before)
            let trail = try await office.store.auditEntries(partner: nil, before: nil, limit: 3)
            #expect(trail.map(\.action) == ["confirmation.refused", "confirmation.refused", "confirmation.refused"])
            office.clock.turn(.seconds(61))
            admin.operatorKey = right
            for (target, form) in targets { #expect(try await admin.post(target, form).status < 400, "\(target)") }
        }
    }

    @Test("waits after too many wrong ones")
    func backOff() async throws {
        try await withAdminOffice { office in
            var admin = try await ConsoleBrowser(office, as: .admin)
            let right = admin.operatorKey
            admin.operatorKey = "opk_wrong"
            for _ in 0..<GuessLedger.free { #expect(try await admin.post("/console/operators", "name=N&role=viewer").status == 403) }
            admin.operatorKey = right
            #expect(try await admin.post("/console/operators", "name=N&role=viewer").status == 429)
            office.clock.turn(.seconds(1))
            #expect(try await admin.post("/console/operators", "name=N&role=viewer").status == 200)
        }
    }
}
