import Foundation
import HTTPClient
import Logging
import Store
import Synthesize

/// Brings alerts from the store to Synthesize, and from there to a ticket id, an error, or a deadline.
actor AlertOutbox {
    private static let longestWait = Duration.seconds(30)

    private let environment: IntegrationEnvironment
    private let bell = Bell()
    /// Alerts that this process is dispatching; any other found in `sending` was left by a process that died.
    private var sending: Set<AlertID> = []

    init(_ environment: IntegrationEnvironment) {
        self.environment = environment
    }

    func wake() async {
        await bell.ring()
    }

    func work() async {
        while !Task.isCancelled {
            var wait = Self.longestWait
            do throws(StoreError) {
                let due = try await environment.store.dueAlerts(at: environment.time.now(), limit: 50)
                await withTaskGroup { group in
                    for alert in due where !sending.contains(alert.id) {
                        group.addTask { await self.advance(alert) }
                    }
                }
                if let next = try await environment.store.earliestAlertAction() {
                    let left = next.timeIntervalSince(environment.time.now())
                    wait = min(wait, .milliseconds(max(50, Int64(min(left, 3600) * 1000))))
                }
            } catch {
                environment.logger.error("the alert outbox cannot read the store", metadata: ["error": "\(error)"])
            }
            await bell.wait(atMost: wait, environment.time)
        }
    }

    private func advance(_ alert: Alert) async {
        do throws(StoreError) {
            switch alert.state {
            case .queued: try await dispatch(alert)
            case .sending:
                let now = environment.time.now()
                try await environment.store.updateAlert(alert.id) { AlertMachine.afterInterruption(&$0, at: now) }
            case .accepted: try await poll(alert)
            case .unknown, .delivered, .notMapped, .failed, .overdue: break
            }
        } catch {
            environment.logger.error("an alert could not be written", metadata: ["alert": "\(alert.id)", "error": "\(error)"])
        }
    }

    private func dispatch(_ alert: Alert) async throws(StoreError) {
        sending.insert(alert.id)
        defer { sending.remove(alert.id) }
        let begun = environment.time.now()
        try await environment.store.updateAlert(alert.id) { alert in
            alert.state = .sending
            alert.attempts += 1
            alert.updatedAt = begun
        }
        let result = await call(alert) { client throws(SynthesizeError) in
            try await client.dispatchAlert(
                accountID: alert.accountID,
                AlertDispatch(
                    title: alert.title, description: alert.text, alertId: alert.alertID, priority: alert.priority,
                    status: alert.statusCode))
        }
        try await condemnIfRefused(result, alert)
        let now = environment.time.now()
        let after = try await environment.store.updateAlert(alert.id) { alert in
            AlertMachine.afterDispatch(&alert, result.outcome, at: now)
        }
        environment.logger.info("alert dispatched", metadata: ["alert": "\(alert.id)", "state": "\(after.state)"])
    }

    private func poll(_ alert: Alert) async throws(StoreError) {
        let result = await call(alert) { client throws(SynthesizeError) in
            try await client.alertProgress(messageID: alert.messageID ?? "")
        }
        try await condemnIfRefused(result, alert)
        let now = environment.time.now()
        let deadline = environment.policy.ticketDeadline
        try await environment.store.updateAlert(alert.id) { alert in
            AlertMachine.afterPoll(&alert, result.outcome, at: now, deadline: deadline)
        }
    }

    private struct CallResult<Value: Sendable>: Sendable {
        var outcome: Result<Value, SynthesizeError>
        var keyVersion: Int
    }

    /// One call with the partner's key. A key that cannot be had counts as a call that never left.
    private func call<Value: Sendable>(
        _ alert: Alert, _ body: @Sendable (SynthesizeClient) async throws(SynthesizeError) -> Value
    ) async -> CallResult<Value> {
        let client: SynthesizeClient
        let version: Int
        do throws(IntegrationError) {
            let connection = try await environment.connection(alert.partnerID)
            version = connection.keyVersion
            client = environment.client(alert.partnerID, key: try environment.partnerKey(of: connection), .interactive, attempts: 2)
        } catch {
            let refusal = SynthesizeError(code: .rejected, call: "L1", message: error.message)
            return CallResult(outcome: .failure(refusal), keyVersion: 0)
        }
        do throws(SynthesizeError) {
            return CallResult(outcome: .success(try await body(client)), keyVersion: version)
        } catch {
            return CallResult(outcome: .failure(error), keyVersion: version)
        }
    }

    private func condemnIfRefused<Value>(_ result: CallResult<Value>, _ alert: Alert) async throws(StoreError) {
        guard case .failure(let error) = result.outcome, error.code == .keyRefused else { return }
        try await environment.condemnKey(of: alert.partnerID, version: result.keyVersion)
    }
}
