import Foundation
import HTTPClient
import Store
import Testing

@testable import Integration
@testable import Synthesize

@Suite("What becomes of an alert after each answer")
struct AlertMachineTests {
    private func alert(_ state: AlertState = .sending, attempts: Int = 1, updated: TimeInterval = 0) -> Alert {
        var alert = Alert(
            id: AlertID("alr_1"), partnerID: Sample.partner, accountID: "a", alertID: "x", title: "t", text: "d", priority: 1,
            statusCode: 1, isTest: false, createdAt: Sample.now)
        alert.state = state
        alert.attempts = attempts
        alert.updatedAt = Sample.now + updated
        return alert
    }

    private func dispatched(_ code: SynthesizeError.Code, attempts: Int = 1) -> Alert {
        var alert = alert(attempts: attempts)
        AlertMachine.afterDispatch(&alert, .failure(Sample.error(code)), at: Sample.now + 5)
        return alert
    }

    // MARK: L1

    @Test("A receipt makes it accepted, to be asked about in a moment")
    func accepted() throws {
        var alert = alert()
        alert.errors = ["old"]
        AlertMachine.afterDispatch(&alert, .success(try Sample.receipt("m")), at: Sample.now + 5)
        #expect(alert.state == .accepted)
        #expect(alert.messageID == "m")
        #expect(alert.errors.isEmpty)
        #expect(alert.nextActionAt == Sample.now + 6)
    }

    @Test(
        "A failure's code decides whether it may be sent again",
        arguments: [
            (SynthesizeError.Code.notFound, AlertState.notMapped), (.keyRefused, .failed), (.forbidden, .failed), (.conflict, .failed),
            (.rejected, .failed), (.invalidInput, .failed), (.serverFailed, .unknown), (.answerLost, .unknown),
            (.answerUnreadable, .unknown), (.unreachable, .queued), (.rateLimited, .queued), (.cancelled, .queued),
        ])
    func failures(_ code: SynthesizeError.Code, _ state: AlertState) {
        let alert = dispatched(code)
        #expect(alert.state == state)
        #expect(alert.errors.count == 1)
        #expect(alert.errors.first?.isEmpty == false)
        #expect((alert.nextActionAt == nil) == state.isFinal)
        #expect(alert.updatedAt == Sample.now + 5)
    }

    @Test("A call that was cut off after it had left may have arrived; one cut off before did not")
    func cutOff() {
        for (delivery, state) in [
            (HTTPClientError.Delivery.neverSent, AlertState.queued), (.unknown, .unknown), (.answered(status: 201), .unknown),
        ] {
            var alert = alert()
            let cancelled = HTTPClientError(code: .cancelled, delivery: delivery, message: "Cancelled.")
            AlertMachine.afterDispatch(&alert, .failure(SynthesizeError(call: "L1", transport: cancelled)), at: Sample.now)
            #expect(alert.state == state)
        }
    }

    @Test("Tries that did not arrive are repeated later and later, six times at most")
    func attempts() {
        let waits = (1...6).map { dispatched(.unreachable, attempts: $0).nextActionAt?.timeIntervalSince(Sample.now + 5) }
        #expect(waits == [2, 4, 8, 16, 32, nil])
        #expect(dispatched(.unreachable, attempts: 6).state == .failed)
    }

    @Test("A process that died while sending leaves the outcome unknown; it is not sent again")
    func interrupted() {
        var alert = alert()
        AlertMachine.afterInterruption(&alert, at: Sample.now)
        #expect(alert.state == .unknown)
        #expect(alert.nextActionAt == nil)
        #expect(alert.errors.first?.contains("second ticket") == true)
    }

    // MARK: L2

    private func polled(_ object: [String: Any]?, after seconds: TimeInterval = 10) throws -> Alert {
        var alert = alert(.accepted)
        let result: Result<AlertProgress, SynthesizeError> =
            if let object { .success(try Sample.progress(object)) } else { .failure(Sample.error(.notFound, status: 404)) }
        AlertMachine.afterPoll(&alert, result, at: Sample.now + seconds, deadline: .seconds(300))
        return alert
    }

    @Test("A ticket, or the word success, is the end")
    func delivered() throws {
        let ticket = try polled(["status": "success", "ticketId": 4711])
        #expect(ticket.state == .delivered)
        #expect(ticket.ticketID == "4711")
        #expect(ticket.nextActionAt == nil)
        #expect(try polled(["ticketId": "T"]).state == .delivered)
        #expect(try polled(["status": "success"]).state == .delivered)
        #expect(try polled(["status": "success"]).ticketID == nil)
    }

    @Test("A failure is told with its errors, else its message, else in our words")
    func failed() throws {
        #expect(try polled(["status": "failed", "errors": ["a", "b"], "message": "m"]).errors == ["a", "b"])
        #expect(try polled(["status": "failed", "message": "m"]).errors == ["m"])
        #expect(try polled(["status": "failed"]).errors.count == 1)
        #expect(try polled(["status": "failed"]).state == .failed)
    }

    @Test("Pending, an unknown word, and a failed poll say nothing yet", arguments: ["pending", "Success", "queued", nil])
    func pending(_ word: String?) throws {
        let alert = try polled(word.map { ["status": $0] } ?? [:])
        #expect(alert.state == .accepted)
        #expect(alert.nextActionAt == Sample.now + 20)
        #expect(alert.updatedAt == Sample.now, "the deadline counts from the acceptance")
        #expect(try polled(nil).state == .accepted)
    }

    @Test("Polls grow apart: a handful until the deadline")
    func polls() throws {
        var alert = alert(.accepted)
        var now = Sample.now + 1
        var polls = 0
        while !alert.state.isFinal {
            AlertMachine.afterPoll(&alert, .success(try Sample.progress(["status": "pending"])), at: now, deadline: .seconds(300))
            polls += 1
            if let next = alert.nextActionAt {
                #expect(next.timeIntervalSince(now) >= 1 && next.timeIntervalSince(now) <= 30)
                now = next
            }
        }
        #expect(alert.state == .overdue)
        #expect(alert.errors.first?.contains("5 minutes") == true)
        #expect(polls <= 16)
        #expect(now.timeIntervalSince(Sample.now) <= 330)
    }

    @Test("At the deadline a ticket still counts, and nothing else does")
    func deadline() throws {
        #expect(try polled(["ticketId": "T"], after: 400).state == .delivered)
        #expect(try polled(["status": "pending"], after: 299).state == .accepted)
        #expect(try polled(["status": "pending"], after: 300).state == .overdue)
        #expect(try polled(nil, after: 300).state == .overdue)
    }
}
