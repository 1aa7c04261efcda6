import Foundation
import HTTPClient
import Logging
import Store
import Synthesize

/// Brings alerts from the store to Synthesize, and from there to a ticket id, an error, or a deadline.
actor AlertOutbox {
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
            var wait = environment.policy.lookAgain
            do throws(StoreError) {
                let due = try await environment.store.dueAlerts(at: environment.time.now(), limit: 50)
                await withTaskGroup { group in
                    for alert in due where !sending.contains(alert.id) {
                        group.addTask { await self.advance(alert) }
                    }
                }
                if let next = try await environment.store.earliestAlertAction() {
                    let left = next.timeIntervalSince(environment.time.now())
                    wait = min(wait, .milliseconds(max(50, Int64(min(left, 86_400) * 1000))))
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
                try await update(alert) { AlertMachine.afterInterruption(&$0, at: now) }
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
        let caller: Caller
        do throws(IntegrationError) {
            caller = try await self.caller(for: alert)
        } catch {
            // A store that cannot be read says nothing of the alert.
            if error.code == .store { throw StoreError(code: .unavailable, message: error.message) }
            let now = environment.time.now()
            try await update(alert) { AlertMachine.afterRefusal(&$0, error.message, at: now) }
            return
        }
        let begun = environment.time.now()
        let sent = try await environment.store.updateAlert(alert.id) { alert in
            alert.state = .sending
            alert.attempts += 1
            alert.updatedAt = begun
        }
        let result = await Self.outcome { () async throws(SynthesizeError) in
            try await caller.client.dispatchAlert(
                accountID: alert.accountID,
                AlertDispatch(
                    title: alert.title, description: alert.text, alertId: alert.alertID, priority: alert.priority,
                    status: alert.statusCode))
        }
        try await condemnIfRefused(result, caller, alert)
        let now = environment.time.now()
        let after = try await update(sent) { alert in AlertMachine.afterDispatch(&alert, result, at: now) }
        environment.logger.info("alert dispatched", metadata: ["alert": "\(alert.id)", "state": "\(after.state)"])
    }

    private func poll(_ alert: Alert) async throws(StoreError) {
        let result = try await progress(of: alert)
        let now = environment.time.now()
        let deadline = environment.policy.ticketDeadline
        try await update(alert) { alert in AlertMachine.afterPoll(&alert, result, at: now, deadline: deadline) }
    }

    /// Writes what becomes of an alert. One that Perch gives up goes into the audit trail.
    @discardableResult
    private func update(
        _ alert: Alert, _ change: @escaping @Sendable (inout Alert) -> Void
    ) async throws(StoreError) -> Alert {
        let store = environment.store
        @Sendable func write() async throws(StoreError) -> Alert { try await store.updateAlert(alert.id, change) }
        // Nobody else changes an alert that is due, so what the store will make of it can be told before.
        var after = alert
        change(&after)
        guard after.state.isFinal, after.state != .delivered else { return try await write() }
        return try await environment.auditedAsOwn(
            "alert.giveUp", alert.partnerID, "\(alert.id) is \(after.state): \(after.errors.joined(separator: " "))", write)
    }

    private func progress(of alert: Alert) async throws(StoreError) -> Result<AlertProgress, SynthesizeError> {
        let caller: Caller
        do throws(IntegrationError) {
            caller = try await self.caller(for: alert)
        } catch {
            // Not connected now; the ticket may be there all the same, so the alert waits on until its deadline.
            return .failure(SynthesizeError(code: .rejected, call: "L2", message: error.message))
        }
        let result = await Self.outcome { () async throws(SynthesizeError) in
            try await caller.client.alertProgress(messageID: alert.messageID ?? "")
        }
        try await condemnIfRefused(result, caller, alert)
        return result
    }

    private struct Caller: Sendable {
        var client: SynthesizeClient
        var keyVersion: Int
    }

    /// A client with the partner's key.
    /// - Throws: `conflict` when the partner is not connected (any more), `secrets` when its key does not open.
    private func caller(for alert: Alert) async throws(IntegrationError) -> Caller {
        let connection = try await environment.connection(alert.partnerID)
        try connection.requireConnected()
        let key = try environment.partnerKey(of: connection)
        return Caller(
            client: environment.client(alert.partnerID, key: key, .interactive, attempts: 2), keyVersion: connection.keyVersion)
    }

    private static func outcome<Value: Sendable>(
        _ call: () async throws(SynthesizeError) -> Value
    ) async -> Result<Value, SynthesizeError> {
        do throws(SynthesizeError) {
            return .success(try await call())
        } catch {
            return .failure(error)
        }
    }

    private func condemnIfRefused<Value>(
        _ result: Result<Value, SynthesizeError>, _ caller: Caller, _ alert: Alert
    ) async throws(StoreError) {
        guard case .failure(let error) = result, error.code == .keyRefused else { return }
        try await environment.condemnKey(of: alert.partnerID, version: caller.keyVersion)
    }
}
