import HTTPClient
import Logging
import Store

/// A disk that is full or fails for a while: the run stands still, sends nothing, and goes on when writes succeed again.
extension RunDriver {
    /// How often a store that failed is tried again.
    private static let storePoll = Duration.seconds(2)

    /// Does something with the store, again when the disk has recovered.
    /// - Throws: what is no trouble of the disk, and the trouble itself when the run must stop before it is over.
    func patiently<Value: Sendable>(
        _ run: SyncRunID, _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        while true {
            do throws(StoreError) {
                return try await body()
            } catch {
                guard await storeRecovers(from: error, run) else { throw error }
            }
        }
    }

    /// Waits until the store takes writes again.
    /// - Returns: false at once when the error is not of the kind that passes, else as soon as the run must stop.
    func storeRecovers(from error: StoreError, _ run: SyncRunID) async -> Bool {
        guard error.isDiskTrouble, control.stop == nil else { return false }
        environment.logger.error(
            "a run stands still until its database can be written", metadata: ["run": "\(run)", "error": "\(error)"])
        while control.stop == nil {
            do {
                try await environment.time.sleep(Self.storePoll)
                try await store.checkWritable()
                environment.logger.notice("the database can be written, the run goes on", metadata: ["run": "\(run)"])
                return true
            } catch let error as StoreError {
                guard error.isDiskTrouble else { return false }
            } catch {
                // Cancelled: the run is to stop.
                return false
            }
        }
        return false
    }
}

extension StoreError {
    /// Whether it goes away when somebody makes room or the disk comes back, the database being sound.
    fileprivate var isDiskTrouble: Bool { code == .full || code == .io }
}
