import Foundation
import HTTPServer
import Integration
import Secrets
import Store

extension AdminAPI {
    static let keyRoutes = [
        AdminRoute(.get, "/keys", .admin) { call in
            let keys = try await call.environment.store.wrappedKeys()
            let current = keys.first { $0.retiredAt == nil }?.id ?? ""
            var left = 0
            var cursor: SealContext?
            while true {
                let values = try await call.environment.store.sealedValues(notUnder: current, after: cursor, limit: 500)
                guard let last = values.last else { break }
                left += values.count
                cursor = last.context
            }
            return .answer(KeysAnswer(dataKeys: keys.map(DataKeyAnswer.init), underRetiredKeys: left))
        },
        // The operator key is in the request itself, so it is entered anew for each of these.
        AdminRoute(.post, "/keys/rotate-data-key", .admin, takesBody: false) { call in
            let report = try await call.keyKeeper().rotateDataKey(call.environment.keyRing, by: call.initiator)
            return .answer(RotationAnswer(dataKeyId: report.keyID, resealed: report.resealed, failed: report.failed))
        },
        AdminRoute(.post, "/keys/rotate-master-key", .admin) { call in
            let body = try await call.body(MasterKeyBody.self)
            let new: MasterKey?
            do throws(SecretsError) {
                new = try body.newKey.map { text throws(SecretsError) in try MasterKey(base64: Secret(text)) }
            } catch {
                throw invalidInput(error.message, field: "newKey")
            }
            try await call.keyKeeper().rotateMasterKey(to: new, by: call.initiator)
            return Response(status: .noContent)
        },
    ]
}

extension AdminCall {
    fileprivate func keyKeeper() throws(IntegrationError) -> KeyKeeper {
        guard let keeper = environment.keyKeeper else {
            throw IntegrationError(code: .conflict, message: "This installation has no keys to rotate.")
        }
        return keeper
    }
}

private struct MasterKeyBody: StrictBody {
    var newKey: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case newKey
    }
}

private struct DataKeyAnswer: Encodable, Sendable {
    var id: String
    var createdAt: Date
    @OrNull var retiredAt: Date?

    init(_ key: WrappedDataKey) {
        id = key.id
        createdAt = key.createdAt
        retiredAt = key.retiredAt
    }
}

private struct KeysAnswer: Encodable, Sendable {
    var dataKeys: [DataKeyAnswer]
    /// Stored secrets that a retired data key still seals.
    var underRetiredKeys: Int
}

private struct RotationAnswer: Encodable, Sendable {
    var dataKeyId: String
    var resealed: Int
    var failed: [String]
}
