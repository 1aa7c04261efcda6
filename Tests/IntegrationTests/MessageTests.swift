import Connectors
import Secrets
import Store
import Synthesize
import Testing

@testable import Integration

/// What a person reads when something does not work.
@Suite("Errors read well")
struct MessageTests {
    /// Every class of message that partners see, by its code.
    static let messages: [(code: String, message: String)] = {
        let synthesize = Sample.errors.map { error in
            (RunFailure(error).code, RunFailure(error).message)
        }
        let lines = Sample.errors.compactMap { error -> (String, String)? in
            guard case .settled(let state, _, let message?) = LineVerdict(error) else { return nil }
            return ("line.\(state.rawValue).\(error.code.rawValue)", message)
        }
        let store = [StoreError.Code.unavailable, .full, .corrupt, .io].map { code in
            let failure = RunFailure(StoreError(code: code, message: "The disk is full."))
            return (failure.code, failure.message)
        }
        let runs = [
            RunMachine.parking(interruptions: 2, at: "usage:5"),
            RunMachine.conclusion(
                {
                    var tally = RunTally()
                    tally.failed = 2
                    tally.accepted = 1
                    return tally
                }()
            ).failure,
        ].compactMap { $0 }.map { ($0.code, $0.message) }
        let states = ConnectionState.allCases.compactMap { state -> (String, String)? in
            do throws(IntegrationError) {
                try Connection(partnerID: Sample.partner, state: state, stateSince: Sample.now).requireConnected()
                return nil
            } catch {
                return ("connection.\(state.rawValue)", error.message)
            }
        }
        return synthesize + lines + store + runs + states
    }()

    @Test("Each message is whole sentences that say what happened and what to do, without a key or our own jargon")
    func readable() {
        for (code, message) in Self.messages {
            print("\(code): \(message)")
            #expect(message.hasSuffix("."), "\(code): \(message)")
            #expect(message.first?.isUppercase == true || message.first?.isNumber == true, "\(code): \(message)")
            for word in ["nil", "Optional", "SynthesizeError", "StoreError", "HTTPClientError", "SQLite", "  ", "\\(", "..", "Error("] {
                #expect(!message.contains(word), "\(code): \(message)")
            }
        }
        #expect(Set(Self.messages.map(\.code)).count == Self.messages.count)
    }

    @Test("A refused key tells where to get a new one; a 403 tells whom to ask; a passing failure promises that nothing is lost")
    func advice() {
        func message(_ code: SynthesizeError.Code) -> String { RunFailure(Sample.error(code)).message }
        #expect(message(.keyRefused).contains("generate a Partner API key"))
        #expect(message(.forbidden).contains("Gradient's support"))
        for code in [SynthesizeError.Code.rateLimited, .serverFailed, .unreachable, .answerLost, .answerUnreadable] {
            #expect(message(code).contains("Nothing was lost"))
        }
    }

    @Test("What one types never comes back in a message")
    func inputs() {
        let key = "partner key \u{7} with spaces"
        let error = #expect(throws: IntegrationError.self) { try ConnectRequest(partnerKey: key, fields: [:]).trimmedKey() }
        #expect(error?.field == "partnerKey")
        #expect(error?.message.contains("partner key \u{7}") == false)
    }

    @Test("Errors of lower rooms keep their words and get the domain's code")
    func translation() {
        #expect(
            Sample.errors.map { IntegrationError($0).code } == [
                .keyRefused, .forbidden, .synthesizeRejected, .synthesizeRejected, .synthesizeRejected, .synthesizeUnavailable,
                .synthesizeUnavailable, .synthesizeUnavailable, .synthesizeUnavailable, .synthesizeUnavailable, .synthesizeRejected,
                .synthesizeUnavailable,
            ])
        #expect(
            IntegrationError(ConnectorError(code: .invalidInput, message: "m", field: "f"))
                == IntegrationError(code: .invalidInput, message: "m", field: "f"))
        #expect(IntegrationError(ConnectorError(code: .emptyList, message: "m")).code == .vendorUnavailable)
        #expect(IntegrationError(StoreError(code: .notFound, message: "m")).code == .notFound)
        #expect(IntegrationError(StoreError(code: .full, message: "m")).code == .store)
    }
}
