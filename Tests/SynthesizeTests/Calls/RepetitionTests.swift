import HTTPClient
import Secrets
import Testing

@testable import Synthesize

/// One call by name, whose answer does not matter.
struct NamedCall: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var perform: @Sendable (SynthesizeClient) async throws -> Void

    init(_ key: String, _ perform: @escaping @Sendable (SynthesizeClient) async throws -> Void) {
        testDescription = key
        self.perform = perform
    }

    /// Reads and sets: harmless to repeat (reliability section 1).
    static let repeatable: [NamedCall] = [
        .init("V1") { _ = try await $0.vendor() },
        .init("V2") { _ = try await $0.updateVendor(VendorChanges(name: "n")) },
        .init("S2") { _ = try await $0.service("s") },
        .init("S3") { try await $0.updateService("s", ServiceChanges(name: "n")) },
        .init("S4") { try await $0.setUnitCount(serviceID: "s", accountID: "a", count: 1) },
        .init("O1") { _ = try await $0.organization() },
        .init("O2") { try await $0.updateStatus(.pending) },
        .init("O3") { _ = try await $0.clients() },
        .init("A1") { _ = try await $0.accounts() },
        .init("A3") { try await $0.updateAccount("a", MappingEntryChanges(name: "n")) },
        .init("D1") { _ = try await $0.organizationServices() },
        .init("D3") { try await $0.updateOrganizationService("a", MappingEntryChanges(name: "n")) },
        .init("L2") { _ = try await $0.alertProgress(messageID: "m") },
    ]

    /// Inserts: a second one may be made.
    static let inserts: [NamedCall] = [
        .init("S1") {
            _ = try await $0.createService(ServiceDraft(name: "n", description: "d", category: .other, subcategory: .other))
        },
        .init("A2") { try await $0.createAccounts([MappingEntryDraft(id: "1", name: "n")]) },
        .init("D2") { try await $0.createOrganizationServices([MappingEntryDraft(id: "1", name: "n")]) },
        .init("L1") { _ = try await $0.dispatchAlert(accountID: "a", ForbiddenCall.alert(priority: 1, status: 1)) },
    ]
}

@Suite("What is repeated, and what never")
struct RepetitionTests {
    /// Good for every call.
    private static let anyAnswer =
        #"{"id":"s","name":"n","skus":[{"id":"s","name":"n"}],"organizationId":"o","status":"active","clients":[],"messageId":"m"}"#

    private static func passing(_ call: NamedCall) -> Reply {
        .ok(["A1", "A2", "D1", "D2"].contains(call.testDescription) ? "[]" : anyAnswer)
    }

    @Test("Reads and sets are repeated after every passing failure", arguments: NamedCall.repeatable)
    func repeated(_ call: NamedCall) async throws {
        for failure in [Reply.neverSent, .answerLost, .status(500), .status(503), .status(429)] {
            let bench = ClientBench(failure, failure, Self.passing(call))
            try await call.perform(bench.client)
            #expect(bench.sender.requests.count == 3, "after \(failure)")
            #expect(Set(bench.sender.requests.map(\.url)).count == 1)
        }
    }

    @Test("Inserts are repeated only where nothing can have happened", arguments: NamedCall.inserts)
    func insertRepeated(_ call: NamedCall) async throws {
        for failure in [Reply.neverSent, .status(429)] {
            let bench = ClientBench(failure, Self.passing(call))
            try await call.perform(bench.client)
            #expect(bench.sender.requests.count == 2, "after \(failure)")
            #expect(bench.sender.requests[0].body == bench.sender.requests[1].body)
        }
    }

    @Test("Inserts are never repeated when they may have happened", arguments: NamedCall.inserts)
    func insertOnce(_ call: NamedCall) async throws {
        for (failure, code) in [
            (Reply.answerLost, SynthesizeError.Code.answerLost), (.status(500), .serverFailed), (.status(502), .serverFailed),
            (.status(504), .serverFailed), (Self.cutAnswer(200), .answerUnreadable), (Self.cutAnswer(503), .serverFailed),
        ] {
            let bench = ClientBench(failure, Self.passing(call))
            await expectFailure(code) { try await call.perform(bench.client) }
            #expect(bench.sender.requests.count == 1, "after \(failure)")
        }
    }

    @Test(
        "Refusals are not repeated",
        arguments: NamedCall.repeatable + NamedCall.inserts,
        [
            (400, SynthesizeError.Code.rejected), (401, .keyRefused), (403, .forbidden), (404, .notFound), (405, .rejected),
            (409, .conflict), (413, .rejected), (422, .rejected), (301, .rejected),
        ])
    func refusal(_ call: NamedCall, _ refusal: (status: Int, code: SynthesizeError.Code)) async {
        let bench = ClientBench(.status(refusal.status), Self.passing(call))
        let error = await expectFailure(refusal.code) { try await call.perform(bench.client) }
        #expect(bench.sender.requests.count == 1)
        #expect(error?.status == refusal.status)
        #expect(error?.call == String(call.testDescription.prefix(2)))
    }

    @Test("An unreadable answer to a read is asked for again")
    func unreadable() async throws {
        let bench = ClientBench(.ok("<html>"), .ok("[]"))
        #expect(try await bench.client.accounts().isEmpty)
        #expect(bench.sender.requests.count == 2)
    }

    @Test("Tries end with the policy's number, and each waits twice as long as the one before")
    func bounded() async {
        let bench = ClientBench(.status(500))
        let error = await expectFailure(.serverFailed) { _ = try await bench.client.organization() }
        #expect(error?.status == 500)
        #expect(bench.sender.requests.count == 4)
        #expect(bench.clock.sleeps == [.seconds(1), .seconds(2), .seconds(4)])
    }

    @Test("Retry-After is waited for, and holds back every other call with the key")
    func retryAfter() async throws {
        let bench = ClientBench(.status(429, retryAfter: "7"), .ok("[]"))
        _ = try await bench.client.accounts()
        #expect(bench.clock.sleeps.first == .seconds(7))
        #expect(bench.clock.elapsed >= .seconds(7))
    }

    @Test("Without a Retry-After a 429 holds calls back for a second")
    func rateLimited() async throws {
        let retry = RetryPolicy(maximumAttempts: 2, firstDelay: .milliseconds(1), maximumDelay: .seconds(1), spread: 0)
        let bench = ClientBench(ScriptedSender([.status(429), .ok("[]")]), retry: retry)
        _ = try await bench.client.accounts()
        #expect(bench.clock.elapsed >= .seconds(1))
    }

    @Test("An absurd Retry-After stops all partners' calls no longer than it stops its own")
    func absurdRetryAfter() async throws {
        let retry = RetryPolicy(maximumAttempts: 2, firstDelay: .seconds(1), maximumDelay: .seconds(3), spread: 0)
        let bench = ClientBench(ScriptedSender([.status(429, retryAfter: "86400"), .ok("[]")]), retry: retry)
        _ = try await bench.client.accounts()
        #expect(bench.clock.elapsed == .seconds(30))
    }

    @Test("A cancelled call says so and is not repeated")
    func cancelled() async {
        for delivery in [HTTPClientError.Delivery.neverSent, .unknown, .answered(status: 200)] {
            let failure = HTTPClientError(code: .cancelled, delivery: delivery, message: "cancelled")
            let bench = ClientBench(.failure(failure))
            await expectFailure(.cancelled) { _ = try await bench.client.organization() }
            #expect(bench.sender.requests.count == 1)
        }
    }

    @Test("Cancelling while waiting to try again ends the call at once")
    func cancelledWhileWaiting() async throws {
        let clock = VirtualClock(passesAlone: .zero)
        let sender = ScriptedSender([.status(500)])
        let client = SynthesizeClient(
            environment: .init(
                baseURL: "https://s", http: sender, pacer: Pacer(callsPerSecond: 0, time: clock.source), time: clock.source,
                random: .seeded(1), retry: ClientBench.retry),
            token: SynthesizeToken(vendorKey: Secret("v"), partnerKey: Secret("p")), lane: PacerLane(.background, share: "p"))
        let call = Task { try await client.organization() }
        await clock.untilSleeping()
        call.cancel()
        await expectFailure(.cancelled) { _ = try await call.value }
        #expect(sender.requests.count == 1)
    }

    /// The status line came, the rest did not.
    private static func cutAnswer(_ status: Int) -> Reply {
        .failure(HTTPClientError(code: .connectionLost, delivery: .answered(status: status), message: "The connection broke."))
    }
}

@Suite("What an answer means")
struct MeaningTests {
    @Test(
        "A status has one meaning",
        arguments: [
            (400, SynthesizeError.Code.rejected), (401, .keyRefused), (402, .rejected), (403, .forbidden), (404, .notFound),
            (408, .rejected), (409, .conflict), (410, .rejected), (422, .rejected), (429, .rateLimited), (500, .serverFailed),
            (501, .serverFailed), (502, .serverFailed), (503, .serverFailed), (504, .serverFailed), (599, .serverFailed),
        ])
    func codes(_ status: Int, _ code: SynthesizeError.Code) {
        #expect(SynthesizeError.code(forStatus: status) == code)
    }

    @Test(
        "What became of a request decides over how its answer failed",
        arguments: [
            (HTTPClientError.Code.nameNotResolved, HTTPClientError.Delivery.neverSent, SynthesizeError.Code.unreachable),
            (.tlsFailed, .neverSent, .unreachable), (.clientStopped, .neverSent, .unreachable),
            (.invalidRequest, .neverSent, .invalidInput), (.timedOut, .unknown, .answerLost),
            (.connectionLost, .unknown, .answerLost), (.clientStopped, .unknown, .answerLost),
            (.answerTooLarge, .answered(status: 200), .answerUnreadable), (.connectionLost, .answered(status: 401), .keyRefused),
            (.connectionLost, .answered(status: 404), .notFound), (.connectionLost, .answered(status: 503), .serverFailed),
        ])
    func transport(_ code: HTTPClientError.Code, _ delivery: HTTPClientError.Delivery, _ meaning: SynthesizeError.Code) {
        let error = SynthesizeError(call: "L1", transport: HTTPClientError(code: code, delivery: delivery, message: "m"))
        #expect(error.code == meaning)
    }

    @Test(
        "Synthesize's own words are kept",
        arguments: [
            (#"{"statusCode":404,"message":"No account map found with id: 1"}"#, "No account map found with id: 1"),
            (#"{"message":["name must be a string","name should not be empty"]}"#, "name must be a string; name should not be empty"),
            (#"{"message":["a",1,null,"b"]}"#, "a; b"), (#"{"message":17}"#, "17"),
            (#"{"message":null}"#, "Synthesize answered 400."), ("{}", "Synthesize answered 400."),
            (#"{"message":[]}"#, "Synthesize answered 400."), (#"{"message":""}"#, "Synthesize answered 400."),
            ("<html>Bad Request</html>", "Synthesize answered 400."), ("", "Synthesize answered 400."),
            ("[1]", "Synthesize answered 400."),
        ])
    func messages(_ body: String, _ message: String) async {
        let error = await expectFailure(.rejected) {
            _ = try await ClientBench(.status(400, body)).client.organization()
        }
        #expect(error?.message == message)
    }

    @Test("A long message is cut, because it goes into the ledger")
    func longMessage() async {
        let body = #"{"message":"\#(String(repeating: "x", count: 10_000))"}"#
        let error = await expectFailure(.rejected) {
            _ = try await ClientBench(.status(400, body)).client.organization()
        }
        #expect(error?.message.count == 500)
    }

    @Test("No failure shows the token or a key")
    func noKeys() async {
        for reply in [Reply.neverSent, .answerLost, .status(401), .status(500), .ok("<html>")] {
            let error = await #expect(throws: SynthesizeError.self) {
                _ = try await ClientBench(reply).client.organization()
            }
            let text = "\(String(describing: error)) \(String(reflecting: error))"
            for secret in ["vendorkey", "partnerkey", "dmVuZG9ya2V5OnBhcnRuZXJrZXk="] { #expect(!text.contains(secret)) }
        }
        let token = SynthesizeToken(vendorKey: Secret("vendorkey"), partnerKey: Secret("partnerkey"))
        #expect(!"\(token) \(String(reflecting: token))".contains("dmVu"))
    }
}
