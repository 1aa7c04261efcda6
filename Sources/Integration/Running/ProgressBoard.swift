import HTTPClient
import Store

/// Where running syncs post how far they are, and viewers read it. Posting never waits for a viewer.
actor ProgressBoard {
    private var latest: [SyncRunID: RunProgress] = [:]
    private var viewers: [SyncRunID: [Int: AsyncStream<RunProgress>.Continuation]] = [:]
    private var lastViewer = 0

    /// How far a run is; nil when it is not running here.
    func progress(of run: SyncRunID) -> RunProgress? {
        latest[run]
    }

    func post(_ progress: RunProgress) {
        latest[progress.runID] = progress
        for viewer in viewers[progress.runID, default: [:]].values { viewer.yield(progress) }
    }

    /// Posts the end of a run; its streams end.
    func close(_ progress: RunProgress) {
        latest[progress.runID] = nil
        for viewer in (viewers.removeValue(forKey: progress.runID) ?? [:]).values {
            viewer.yield(progress)
            viewer.finish()
        }
    }

    /// A viewer's own stream; a slow viewer finds only the newest post.
    func watch(_ run: SyncRunID) -> AsyncStream<RunProgress> {
        lastViewer += 1
        let id = lastViewer
        let (stream, continuation) = AsyncStream.makeStream(of: RunProgress.self, bufferingPolicy: .bufferingNewest(1))
        if let now = latest[run] { continuation.yield(now) }
        viewers[run, default: [:]][id] = continuation
        continuation.onTermination = { _ in
            Task { await self.forget(id, run) }
        }
        return stream
    }

    /// What one viewer is shown: eight snapshots a second at most, so that with the stream's own end no second has more than ten
    /// events.
    static func live(
        first: RunProgress, then posts: AsyncStream<RunProgress>?, _ time: TimeSource
    ) -> AsyncStream<RunProgress> {
        let (stream, viewer) = AsyncStream.makeStream(of: RunProgress.self, bufferingPolicy: .bufferingNewest(1))
        viewer.yield(first)
        guard let posts else {
            viewer.finish()
            return stream
        }
        let relay = Task {
            var posts = posts.makeAsyncIterator()
            do {
                try await time.sleep(Self.leastGap)
                while let progress = await posts.next() {
                    viewer.yield(progress)
                    try await time.sleep(Self.leastGap)
                }
            } catch {
                // The viewer went away.
            }
            viewer.finish()
        }
        viewer.onTermination = { _ in relay.cancel() }
        return stream
    }

    private static let leastGap = Duration.milliseconds(125)

    private func forget(_ id: Int, _ run: SyncRunID) {
        viewers[run]?[id] = nil
        if viewers[run]?.isEmpty == true { viewers[run] = nil }
    }
}
