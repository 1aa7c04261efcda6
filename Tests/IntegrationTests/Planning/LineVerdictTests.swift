import Store
import Synthesize
import Testing

@testable import Integration

@Suite("What the answer to one count means")
struct LineVerdictTests {
    /// Short: state, or what else becomes of the line.
    private func word(_ verdict: LineVerdict) -> String {
        switch verdict {
        case .settled(let state, _, _): state.rawValue
        case .stop(_, let needsNewKey): needsNewKey ? "stop, new key" : "stop"
        case .givenBack: "given back"
        }
    }

    @Test(
        "Every code has its meaning",
        arguments: [
            (SynthesizeError.Code.notFound, "notMapped"), (.conflict, "rejected"), (.rejected, "rejected"), (.invalidInput, "rejected"),
            (.keyRefused, "stop, new key"), (.forbidden, "stop"), (.rateLimited, "failed"), (.serverFailed, "failed"),
            (.unreachable, "failed"), (.answerLost, "failed"), (.answerUnreadable, "failed"), (.cancelled, "given back"),
        ])
    func codes(_ code: SynthesizeError.Code, _ meaning: String) {
        #expect(word(LineVerdict(Sample.error(code))) == meaning)
    }

    @Test("Synthesize's own words and status stay with the line")
    func words() {
        #expect(LineVerdict(Sample.error(.notFound, status: 404)) == .settled(.notMapped, status: 404, message: "Words of the server."))
        #expect(LineVerdict(Sample.error(.rejected, status: 422)) == .settled(.rejected, status: 422, message: "Words of the server."))
    }
}
