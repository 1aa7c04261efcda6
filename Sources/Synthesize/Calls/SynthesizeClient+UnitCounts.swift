import Foundation
import HTTPClient

extension SynthesizeClient {
    /// S4: sets (does not add to) the count of one service for one account. Repeating it is harmless, so it is retried.
    /// - Parameters:
    ///   - serviceID: Synthesize's id of the service.
    ///   - accountID: the vendor's id of its customer; the deprecated client id is never sent (U-9).
    ///   - count: 0 or more, sent as a JSON number to the last decimal.
    ///   - rebuildsBilling: false asks Synthesize not to rebuild its billing view after this call (U-17).
    /// - Returns: the 2xx status that was answered.
    /// - Throws: `notFound` when the account or the service is not mapped, which is normal.
    @discardableResult
    public func setUnitCount(
        serviceID: String, accountID: String, count: Decimal, rebuildsBilling: Bool = true
    ) async throws(SynthesizeError) -> Int {
        guard count >= 0, count.isFinite else {
            throw SynthesizeError(code: .invalidInput, call: "S4", message: "A count below 0 is never sent.")
        }
        guard !accountID.isEmpty else { throw .emptyID("S4") }
        let path = try Self.path("S4", "/service/", serviceID, rebuildsBilling ? "/count" : "/count?no_build=true")
        let body = try Self.encode(UnitCount(accountId: accountID, unitCount: count), "S4")
        return try await perform("S4", .post, path, body: body, repeating: .always) { answer throws(SynthesizeError) in
            // What it says does not matter, but a page that a proxy answers with 200 is not Synthesize's word.
            if !answer.body.isEmpty { _ = try Self.decode(Acknowledgement.self, "S4", answer) }
            return answer.status.code
        }
    }
}

/// `{ "status": 201, "message": "..." }`; any JSON will do.
private struct Acknowledgement: Decodable {
    init(from decoder: any Decoder) {}
}

private struct UnitCount: Encodable {
    let accountId: String
    let unitCount: Decimal
}
