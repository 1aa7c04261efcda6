import Foundation
import HTTPClient
import Logging
import Secrets
import Store
import Synchronization

/// Whether this process can do its work: the store takes writes, and stored secrets open.
final class Readiness: Sendable {
    /// Longer than a busy disk takes, shorter than a load balancer waits.
    static let bound: Duration = .seconds(2)

    struct Report: Encodable, Sendable, Equatable {
        var ready: Bool
        /// `ok` or what is wrong, by part.
        var parts: [String: String]
    }

    private let store: any Store
    private let keyRing: KeyRing
    private let time: TimeSource
    private let random: RandomSource
    private let logger: Logger
    /// The check that is under way: one that hangs with the disk is waited for again, not started again.
    private let running = Mutex<Task<Report, Never>?>(nil)

    init(_ environment: PortalEnvironment) {
        store = environment.store
        keyRing = environment.keyRing
        time = environment.time
        random = environment.random
        logger = environment.logger
    }

    /// Never waits longer than the bound.
    func report() async -> Report {
        let check = running.withLock { running in
            if let running { return running }
            let task = Task { await self.check() }
            running = task
            return task
        }
        let (reports, continuation) = AsyncStream.makeStream(of: Report?.self, bufferingPolicy: .bufferingOldest(1))
        // Two tasks outside of the caller's: a write that hangs cannot be cancelled, and must not be waited for.
        let watcher = Task { continuation.yield(await check.value) }
        let timer = Task { [time] in
            do {
                try await time.sleep(Self.bound)
                continuation.yield(nil)
            } catch {
                // The check was faster.
            }
        }
        defer {
            watcher.cancel()
            timer.cancel()
        }
        for await report in reports {
            if let report { return report }
            break
        }
        return Report(ready: false, parts: ["store": "no answer within \(Int(Self.bound.seconds)) s"])
    }

    private func check() async -> Report {
        let parts = ["store": await storeState(), "key": await keyState()]
        running.withLock { $0 = nil }
        return Report(ready: parts.values.allSatisfy { $0 == "ok" }, parts: parts)
    }

    private func storeState() async -> String {
        do {
            try await store.checkWritable()
            return "ok"
        } catch {
            // The code only: the message may name places of this machine, and anyone may ask.
            logger.error("Not ready: the store takes no writes", metadata: ["error": "\(error)"])
            return error.code.rawValue
        }
    }

    /// The key ring opens what it sealed, and the database still holds the data key that it was opened with.
    private func keyState() async -> String {
        do {
            let context = SealContext(table: "readiness", row: "probe", column: "probe")
            let probe = Secret(random.token(bytes: 16))
            guard try keyRing.open(keyRing.seal(probe, context, random: random), context) == probe else {
                return "sealedValueRefused"
            }
            guard try await store.wrappedKey()?.id == keyRing.keyID else { return "dataKeyUnknown" }
            return "ok"
        } catch {
            logger.error("Not ready: stored secrets do not open", metadata: ["error": "\(error)"])
            return (error as? SecretsError)?.code.rawValue ?? (error as? StoreError)?.code.rawValue ?? "failed"
        }
    }
}
