import Foundation
import HTTPClient
import Synchronization

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
        let body = try Self.body(accountID: accountID, count: count)
        return try await perform("S4", .post, path, body: body, repeating: .always) { answer throws(SynthesizeError) in
            // What it says does not matter, but a page that a proxy answers with 200 is not Synthesize's word.
            try acknowledgements.check(answer)
            return answer.status.code
        }
    }

    /// `{"accountId":"...","unitCount":3}`. Most ids are plain ASCII and are written as they stand: an encoder takes 15 microseconds
    /// for it, a twentieth of all that a count costs.
    static func body(accountID: String, count: Decimal) throws(SynthesizeError) -> [UInt8] {
        let isPlain = accountID.utf8.allSatisfy { byte in
            (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "/")
        }
        guard isPlain else { return try encode(UnitCount(accountId: accountID, unitCount: count), "S4") }
        // A Decimal describes itself without an exponent, which is JSON.
        return Array("{\"accountId\":\"\(accountID)\",\"unitCount\":\(count)}".utf8)
    }
}

/// Reads acknowledgements; the same bytes again need no reading again, and Synthesize says the same of every count.
final class AcknowledgementReader: Sendable {
    private let readable = Mutex<[UInt8]>([])

    /// - Throws: `answerUnreadable` when there is a body and it is not JSON.
    func check(_ answer: IncomingResponse) throws(SynthesizeError) {
        guard answer.body != readable.withLock({ $0 }) else { return }
        _ = try SynthesizeClient.decode(Acknowledgement.self, "S4", answer)
        readable.withLock { $0 = answer.body }
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
