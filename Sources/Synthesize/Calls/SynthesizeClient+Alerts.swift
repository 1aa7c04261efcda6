import HTTPClient

extension SynthesizeClient {
    /// L1: puts an alert for an account into Synthesize's queue. Whether a repeated `alertId` makes a second ticket is unknown
    /// (U-21), so it is repeated only when it certainly did not arrive.
    /// - Throws: `notFound` when the account is not mapped (U-22).
    public func dispatchAlert(accountID: String, _ alert: AlertDispatch) async throws(SynthesizeError) -> AlertReceipt {
        guard (1...4).contains(alert.priority), (1...6).contains(alert.status) else {
            throw SynthesizeError(
                code: .invalidInput, call: "L1", message: "Priority must be 1 to 4 and status 1 to 6; nothing was sent.")
        }
        let path = try Self.path("L1", "/alerting/", accountID)
        let body = try Self.encode(alert, "L1")
        return try await perform("L1", .post, path, body: body, repeating: .whenWithoutEffect) {
            answer throws(SynthesizeError) in
            try Self.decode(AlertReceipt.self, "L1", answer)
        }
    }

    /// L2: how far a queued alert has come.
    public func alertProgress(messageID: String) async throws(SynthesizeError) -> AlertProgress {
        let path = try Self.path("L2", "/alerting/debug/", messageID)
        return try await read(AlertProgress.self, "L2", path)
    }
}
