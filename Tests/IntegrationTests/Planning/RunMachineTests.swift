import Store
import Testing

@testable import Integration

@Suite("What a run does next")
struct RunMachineTests {
    private static let failure = RunFailure(code: "c", message: "m")

    /// The steps in order when all goes well.
    private func steps(_ purpose: RunPurpose, hasLedger: Bool) -> [RunMachine.Step] {
        var machine = RunMachine(purpose: purpose, hasLedger: hasLedger)
        var steps: [RunMachine.Step] = []
        var event = RunMachine.Event.begun
        while case .perform(let step) = machine.handle(event) {
            steps.append(step)
            event = .done
        }
        #expect(machine.handle(.done) == .concludeByTally)
        return steps
    }

    @Test("Each purpose has its steps; a ledger that is there is sent as planned")
    func order() {
        #expect(steps(.connect, hasLedger: false) == [.verify, .fetch, .services, .accounts, .setPending])
        #expect(steps(.connect, hasLedger: true) == steps(.connect, hasLedger: false))
        #expect(steps(.usage, hasLedger: false) == [.verify, .fetch, .accounts, .services, .planUsage, .sendUsage, .confirm])
        #expect(steps(.zeros, hasLedger: false) == [.verify, .planZeros, .sendUsage, .confirm])
        #expect(steps(.usage, hasLedger: true) == [.verify, .sendUsage, .confirm])
        #expect(steps(.zeros, hasLedger: true) == [.verify, .sendUsage, .confirm])
    }

    @Test("No run sends before it has verified the key and planned", arguments: RunPurpose.allCases, [false, true])
    func verifiedFirst(_ purpose: RunPurpose, _ hasLedger: Bool) {
        let steps = steps(purpose, hasLedger: hasLedger)
        #expect(steps.first == .verify)
        if let sending = steps.firstIndex(of: .sendUsage) {
            #expect(hasLedger || steps[..<sending].contains { $0 == .planUsage || $0 == .planZeros })
        }
    }

    @Test("Every other event ends the run at every step", arguments: RunPurpose.allCases, [false, true])
    func events(_ purpose: RunPurpose, _ hasLedger: Bool) {
        for done in 0...steps(purpose, hasLedger: hasLedger).count {
            for (event, effect) in [
                (RunMachine.Event.failed(Self.failure), RunMachine.Effect.conclude(.failed, Self.failure)),
                (.held(Self.failure), .conclude(.held, Self.failure)), (.cancelled, .conclude(.cancelled, nil)), (.shutDown, .release),
            ] {
                var machine = RunMachine(purpose: purpose, hasLedger: hasLedger)
                for _ in 0..<done { _ = machine.handle(.done) }
                #expect(machine.handle(event) == effect)
            }
        }
    }

    @Test("Each step belongs to a stage, and the stages of a usage run go forward")
    func stages() {
        let stages = steps(.usage, hasLedger: false).map(\.stage)
        #expect(stages == [.verify, .fetch, .accounts, .services, .usage, .usage, .finish])
        #expect(stages == stages.sorted())
        #expect(RunMachine.Step.setPending.stage == .finish)
    }

    @Test(
        "The tally decides how a finished run is called",
        arguments: [
            (0, 0, 0, 0, RunState.succeeded), (5, 0, 0, 0, .succeeded), (0, 5, 0, 0, .succeeded), (5, 5, 0, 0, .succeeded),
            (5, 0, 1, 0, .partial),
            (5, 0, 0, 1, .partial), (0, 5, 1, 1, .partial), (0, 0, 1, 0, .failed), (0, 0, 0, 3, .failed),
        ])
    func conclusion(_ accepted: Int, _ notMapped: Int, _ rejected: Int, _ failed: Int, _ state: RunState) {
        var tally = RunTally()
        (tally.accepted, tally.notMapped, tally.rejected, tally.failed) = (accepted, notMapped, rejected, failed)
        tally.excluded = 3
        tally.droppedToZero = 2
        let conclusion = RunMachine.conclusion(tally)
        #expect(conclusion.state == state)
        #expect((conclusion.failure == nil) == (state == .succeeded))
        if rejected + failed > 0 {
            #expect(conclusion.failure?.message.contains("\(rejected + failed) of \(accepted + notMapped + rejected + failed)") == true)
        }
    }

    @Test("Refused accounts make a run partial; counts that failed are told first")
    func refusedAccounts() {
        let refused = [RefusedAccount(id: "1", name: "A", message: "m"), RefusedAccount(id: "2", name: "B", message: "m")]
        var tally = RunTally()
        tally.accepted = 3
        let partial = RunMachine.conclusion(tally, refused: refused)
        #expect(partial.state == .partial)
        #expect(partial.failure?.message.contains("\"A\" and 1 more") == true)
        tally.rejected = 1
        #expect(RunMachine.conclusion(tally, refused: refused).failure?.code == "run.linesFailed")
    }

    @Test("Two deaths in one place park a run")
    func parking() {
        #expect(RunMachine.parking(interruptions: 0, at: nil) == nil)
        #expect(RunMachine.parking(interruptions: 1, at: "usage:120") == nil)
        #expect(RunMachine.parking(interruptions: 2, at: "usage:120")?.message.contains("usage:120") == true)
    }
}
