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

    @Test("get 429 with Retry-After; a right key that nobody ever saw here opens all the while, at the API and the console")
    func rightKey() async throws {
        try await withAdminOffice { office in
            let handler = WebSurface(office.environment).handler
            func ask(_ key: String) async throws -> Answer {
                try await Answer(handler(Request(.get, "/api/v1/partners", headerFields: [.authorization: "Bearer " + key])))
            }
            func signIn(_ key: String) async throws -> Answer {
                try await Answer(
                    handler(
                        Request(
                            .post, "/console/sign-in", headerFields: [.contentType: "application/x-www-form-urlencoded"],
                            body: Array("key=\(key)".utf8))))
            }
            for number in 0..<GuessLedger.free { #expect(try await ask("opk_\(number)").status == 401) }
            let told = try await ask("opk_other")
            #expect(told.status == 429 && told.headerFields[.retryAfter] == "1")
            #expect(try told.json.code.string == "tooManyTries")
            let toldAtTheConsole = try await signIn("opk_other")
            #expect(toldAtTheConsole.status == 429 && toldAtTheConsole.headerFields[.retryAfter] == "1")
            #expect(try await ask(try #require(office.keys[.viewer]).reveal()).status == 200)
            #expect(try await signIn(try #require(office.keys[.operator]).reveal()).status == 303)
            // Issued this moment, from the same address.
            let issued = try await office.call(.post, "/operators", json: #"{"name":"New","role":"viewer"}"#)
            #expect(try await ask(try #require(try issued.json.key.string)).status == 200)
            #expect(try await ask("opk_other").status == 429, "and a right key does not make wrong ones free")
        }
    }

    @Test("with a key that was revoked wait like any other")
    func revokedKey() async throws {
        try await withAdminOffice { office in
            let handler = WebSurface(office.environment).handler
            let key = try #require(office.keys[.viewer]).reveal()
            try await OperatorKeys.revoke(
                try #require(office.keyIDs[.viewer]), store: office.store, keyRing: office.environment.keyRing,
                time: office.environment.time)
            let request = Request(.get, "/api/v1/partners", headerFields: [.authorization: "Bearer " + key])
            for _ in 0..<GuessLedger.free { #expect(try await handler(request).status == .unauthorized) }
            #expect(try await handler(request).status == .tooManyRequests)
        }
    }

    @Test("of ten thousand in one second, from 1 address and from 500, let a few through", arguments: [1, 500])
    func tenThousand(addresses: Int) {
        let accessGuard = AccessGuard()
        var counted = 0
        for number in 0..<10_000 {
            let (address, guess) = ("10.0.\(number % addresses / 250).\(number % addresses % 250)", Secret("opk_\(number)"))
            do throws(HTTPError) {
                try accessGuard.countWrong(guess, from: address, at: start)
                counted += 1
            } catch {
                #expect(error.status == .tooManyRequests)
            }
        }
        #expect(counted == GuessLedger.free * addresses)
        #expect(throws: Never.self) { try accessGuard.countWrong(Secret("opk_new"), from: "192.0.2.1", at: start) }
    }

    @Test("of one wrong key from many addresses wait as well: a forgotten script does not hammer")
    func sameKey() async throws {
        let accessGuard = AccessGuard()
        for number in 0..<GuessLedger.free {
            try accessGuard.countWrong(Secret("opk_old"), from: "10.0.0.\(number)", at: start)
        }
        #expect(throws: HTTPError.self) { try accessGuard.countWrong(Secret("opk_old"), from: "10.9.9.9", at: start) }
        #expect(throws: Never.self) { try accessGuard.countWrong(Secret("opk_new"), from: "10.9.9.9", at: start) }
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
                    // So that they are not counted together.
                    office.clock.turn(.seconds(16 * 60))
                    admin.operatorKey = wrong
                    let answer = try await admin.post(target, form)
                    #expect(answer.status == 403 && answer.text.contains("Enter your own operator key again"), "\(target)")
                }
            }
            #expect(try await office.store.dump() == before)
            let trail = try await office.store.auditEntries(partner: nil, before: nil, limit: 3)
            #expect(trail.map(\.action) == ["confirmation.refused", "confirmation.refused", "confirmation.refused"])
            admin.operatorKey = right
            for (target, form) in targets { #expect(try await admin.post(target, form).status < 400, "\(target)") }
        }
    }

    @Test("too often wrong ends that session, and no other: the operator confirms in a session of his own all the while")
    func stolenSession() async throws {
        try await withAdminOffice { office in
            let owner = try await ConsoleBrowser(office, as: .admin)
            var thief = try await ConsoleBrowser(office, as: .admin)
            thief.operatorKey = "opk_wrong"
            let form = "name=N&role=viewer"
            for number in 1...GuessLedger.free {
                #expect(try await owner.post("/console/operators", form).status == 200)
                let answer = try await thief.post("/console/operators", form)
                #expect(answer.status == 403 && answer.text.contains("Sign in again") == (number == GuessLedger.free), "\(number)")
            }
            let last = try await office.store.auditEntries(partner: nil, before: nil, limit: 2)
            #expect(last.map(\.action) == ["session.end", "confirmation.refused"])
            #expect(try await thief.get("/console").status == 303, "the stolen session is over")
            thief.operatorKey = owner.operatorKey
            #expect(try await thief.post("/console/operators", form).status == 303, "with the right key too")
            #expect(try await owner.post("/console/operators", form).status == 200)
            // And a new sign-in with the same key begins with a clean sheet.
            #expect(try await ConsoleBrowser(office, as: .admin).post("/console/operators", form).status == 200)
        }
    }
}
