import HTTPClient
import Store
import Testing

@testable import Integration

@Suite("Live progress", .timeLimit(.minutes(3)))
struct ProgressBoardTests {
    private static func snapshot(_ accepted: Int) -> RunProgress {
        var tally = RunTally()
        tally.accepted = accepted
        let run = SyncRun(
            id: SyncRunID("run_1"), partnerID: PartnerID("partner_1"), purpose: .usage, trigger: .partner,
            createdAt: Sample.now)
        return RunProgress(run, tally: tally)
    }

    @Test("However fast a run posts, a viewer gets at most ten events in any second, and the last one")
    func atMostTen() async {
        let clock = VirtualClock(passesAlone: .zero)
        let board = ProgressBoard()
        let posts = await board.watch(SyncRunID("run_1"))
        let live = ProgressBoard.live(first: Self.snapshot(0), then: posts, clock.source)
        let viewer = Task {
            var seen: [(at: Duration, accepted: Int)] = []
            for await progress in live { seen.append((clock.elapsed, progress.tally.accepted)) }
            return seen
        }
        // 1,000 posts, one every 5 ms.
        for number in 1..<1_000 {
            await board.post(Self.snapshot(number))
            await clock.untilSleeping()
            clock.advance(by: .milliseconds(5))
        }
        await board.close(Self.snapshot(1_000))
        clock.letPass()
        let seen = await viewer.value
        #expect(seen.count > 20)
        #expect(seen.last?.accepted == 1_000)
        #expect(seen.map(\.accepted) == seen.map(\.accepted).sorted())
        for first in seen {
            let inSecond = seen.filter { first.at <= $0.at && $0.at < first.at + .seconds(1) }.count
            // One more event tells the end of the stream.
            #expect(inSecond <= 9)
        }
    }
}
