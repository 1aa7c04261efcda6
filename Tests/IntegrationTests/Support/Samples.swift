import Connectors
import Foundation
import Store
import Synthesize

@testable import Integration

/// Values to start from.
enum Sample {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let partner = PartnerID("par_1")

    static func entry(_ id: String, _ name: String, isMapped: Bool? = nil) throws -> MappingEntry {
        var object: [String: Any] = ["id": id, "name": name]
        object["isMapped"] = isMapped
        return try decode(MappingEntry.self, object)
    }

    static func service(
        _ id: String, _ name: String, description: String = "d", category: String = "security",
        subcategory: String = "email security"
    ) throws -> VendorService {
        try decode(
            VendorService.self,
            ["id": id, "name": name, "description": description, "category": category, "subcategory": subcategory])
    }

    static func receipt(_ id: String) throws -> AlertReceipt { try decode(AlertReceipt.self, ["messageId": id]) }
    static func progress(_ object: [String: Any]) throws -> AlertProgress { try decode(AlertProgress.self, object) }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ object: [String: Any]) throws -> Value {
        try JSONDecoder().decode(type, from: JSONSerialization.data(withJSONObject: object))
    }

    static func run(_ purpose: RunPurpose = .usage, _ state: RunState = .succeeded, at instant: Date = now) -> SyncRun {
        var run = SyncRun(id: SyncRunID("run_1"), partnerID: partner, purpose: purpose, trigger: .partner, createdAt: instant)
        run.state = state
        return run
    }

    static func line(_ account: String, _ service: String = "s1", name: String? = nil) -> UsageLine {
        UsageLine(
            runID: SyncRunID("run_1"), position: 0, accountID: account, accountName: name ?? "Name \(account)", serviceID: service,
            serviceName: "Service \(service)", rawCount: 1, sentCount: 1, state: .notMapped)
    }

    static func account(_ id: String, isMapped: Bool?) -> Account {
        Account(partnerID: partner, id: id, name: "Account \(id)", isMapped: isMapped, lastSeenAt: now)
    }

    static func error(_ code: SynthesizeError.Code, status: Int? = nil) -> SynthesizeError {
        SynthesizeError(code: code, call: "S4", status: status, message: "Words of the server.")
    }

    /// Every way in which a call can fail.
    static let errors: [SynthesizeError] = [
        error(.keyRefused, status: 401), error(.forbidden, status: 403), error(.notFound, status: 404),
        error(.conflict, status: 409), error(.rejected, status: 422), error(.rateLimited, status: 429),
        error(.serverFailed, status: 503), error(.unreachable), error(.answerLost), error(.answerUnreadable, status: 200),
        error(.invalidInput), error(.cancelled),
    ]
}
