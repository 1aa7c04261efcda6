import Connectors
import Foundation
import HTTPClient
import HTTPServer
import HTTPTypes
import Integration
import Logging
import Secrets
import Store
import Synchronization
import Synthesize
import Testing

@testable import Portal

/// The web surface over a real database in a directory of its own, with one operator key a role. Its clock stands still until
/// it is turned; nothing works in the background.
struct AdminOffice: Sendable {
    let environment: PortalEnvironment
    let store: SQLiteStore
    let clock: TurnedClock
    /// Stands in for Synthesize.
    let synthesize: AnsweringSender
    let keys: [OperatorRole: Secret]
    let keyIDs: [OperatorRole: OperatorKeyID]
    let api: Handler

    /// Calls the admin API and holds the answer against openapi.yaml.
    @discardableResult
    func call(
        _ method: HTTPRequest.Method, _ path: String, as role: OperatorRole? = .admin, json: String? = nil
    ) async throws -> Answer {
        var fields: HTTPFields = [:]
        if let key = role.flatMap({ keys[$0] }) { fields[.authorization] = "Bearer " + key.reveal() }
        if json != nil { fields[.contentType] = "application/json" }
        return try await send(Request(method, "/api/v1" + path, headerFields: fields, body: Array((json ?? "").utf8)))
    }

    func send(_ request: Request) async throws -> Answer {
        let answer = try await Answer(try await api(request))
        try OpenAPIDocument.shared.check(answer, to: request)
        return answer
    }

    func partner(_ reference: String = "msp-1", name: String = "Northwind IT") async throws -> Partner {
        try await environment.desk.createPartner(
            vendorReference: reference, name: name, timeZone: "Europe/Berlin", by: .commandLine)
    }

    /// A partner whose key Synthesize accepted, its connect job done.
    func connectedPartner(_ reference: String = "msp-1") async throws -> Partner {
        let partner = try await partner(reference)
        let job = try await environment.desk.connect(
            partner.id, ConnectRequest(partnerKey: "partner-key-0001", fields: ["apiKey": "vendor-secret"]), by: .commandLine)
        try await store.finishRun(job.id, state: .succeeded, failure: nil, findings: RunFindings(), at: clock.now)
        return partner
    }
}

/// Runs the body with an office that is taken down afterwards.
func withAdminOffice(_ connector: any Connector = ShelfConnector(), _ body: (AdminOffice) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "perch-portal-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    let store = try SQLiteStore(
        directory: directory.path(), migrationsDirectory: Repository.path("migrations"), logger: logger)
    let clock = TurnedClock()
    let random = RandomSource.seeded(1)
    let (keyRing, wrapped) = try KeyRing.create(master: .generate(random: random), random: random, at: clock.now)
    try await store.insertWrappedKey(wrapped)
    let synthesize = AnsweringSender()
    let desk = Desk(
        IntegrationEnvironment(
            store: store, keyRing: keyRing, connector: connector,
            synthesize: SynthesizeClient.Environment(
                baseURL: "http://synthesize.invalid", http: synthesize,
                pacer: Pacer(callsPerSecond: 0, time: clock.source), time: clock.source, random: random,
                retry: RetryPolicy(maximumAttempts: 1)),
            vendorKey: Secret("vendor-key"), time: clock.source, random: random, policy: IntegrationPolicy(),
            logger: logger))
    let environment = PortalEnvironment(
        desk: desk, store: store, keyRing: keyRing, time: clock.source, random: random, logger: logger,
        settings: PortalSettings(
            publicURL: "http://127.0.0.1:8080", mappingURL: "http://synthesize.invalid/{organizationId}",
            launchKeys: try LaunchKeys(sharedSecrets: []), version: "test"),
        staticFiles: try StaticFiles(directory: Repository.path("Public")))
    var keys: [OperatorRole: Secret] = [:]
    var keyIDs: [OperatorRole: OperatorKeyID] = [:]
    for role in OperatorRole.allCases {
        let (key, secret) = try await OperatorKeys.issue(
            name: "The \(role.rawValue)", role: role, store: store, keyRing: keyRing, random: random, time: clock.source)
        keys[role] = secret
        keyIDs[role] = key.id
    }
    var router = Router()
    addAdminRoutes(to: &router, environment)
    let routes = router
    try await body(
        AdminOffice(
            environment: environment, store: store, clock: clock, synthesize: synthesize, keys: keys, keyIDs: keyIDs,
            api: { try await routes.respond(to: $0) }))
    try await store.close()
}

/// What came back, read whole.
struct Answer: Sendable {
    var status: Int
    var headerFields: HTTPFields
    var text: String

    init(_ response: Response) async throws {
        status = response.status.code
        headerFields = response.headerFields
        switch response.body {
        case .empty: text = ""
        case .bytes(let bytes): text = try #require(String(validating: bytes, as: UTF8.self))
        case .stream(let produce):
            let pieces = PiecesOfBody()
            try await produce(BodyWriter { await pieces.append($0) })
            text = try #require(String(validating: await pieces.all, as: UTF8.self))
        default: throw UnreadableAnswer()
        }
    }

    private struct UnreadableAnswer: Error {}

    var json: JSON { get throws { try JSON(text) } }
}

/// A streamed body, piece by piece as it was written.
actor PiecesOfBody {
    private(set) var pieces: [[UInt8]] = []

    var all: [UInt8] { Array(pieces.joined()) }

    func append(_ more: [UInt8]) { pieces.append(more) }
}

/// JSON looked into by name.
@dynamicMemberLookup
struct JSON {
    let raw: Any?

    init(_ text: String) throws {
        raw = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    private init(raw: Any?) { self.raw = raw }

    subscript(dynamicMember name: String) -> JSON { JSON(raw: (raw as? [String: Any])?[name]) }
    subscript(index index: Int) -> JSON {
        let array = raw as? [Any] ?? []
        return JSON(raw: array.indices.contains(index) ? array[index] : nil)
    }

    var string: String? { raw as? String }
    var int: Int? { raw as? Int }
    var bool: Bool? { raw as? Bool }
    var array: [JSON] { (raw as? [Any] ?? []).map { JSON(raw: $0) } }
    var isNull: Bool { raw is NSNull }
}

/// A clock that stands still until it is turned. Who sleeps by it sleeps until cancelled.
final class TurnedClock: Sendable {
    private let seconds = Mutex(0.0)
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    var now: Date { Self.start.addingTimeInterval(seconds.withLock { $0 }) }

    func turn(_ duration: Duration) {
        seconds.withLock { $0 += duration.seconds }
    }

    var source: TimeSource {
        TimeSource(
            now: { self.now }, elapsed: { .seconds(self.seconds.withLock { $0 }) },
            sleep: { _ in try await Task.sleep(for: .seconds(86_400)) })
    }

    /// By this one every sleep is over at once.
    var impatientSource: TimeSource {
        let source = source
        return TimeSource(now: source.now, elapsed: source.elapsed, sleep: { _ in })
    }
}

/// Answers by method and path; what has no answer was never sent.
final class AnsweringSender: HTTPSender {
    private let answers = Mutex<[String: (status: Int, body: String)]>([
        "GET /api/vendor-api/organization": (
            200, #"{"organizationId":"org-1","name":"Northwind IT","vendorName":"Vendor","status":"active"}"#
        )
    ])
    private let sentRequests = Mutex<[String]>([])

    /// `METHOD /path`, query included, in the order sent.
    var requests: [String] { sentRequests.withLock { $0 } }

    func answer(_ request: String, _ status: Int, _ body: String) {
        answers.withLock { $0[request] = (status, body) }
    }

    func send(_ request: OutgoingRequest) async throws(HTTPClientError) -> IncomingResponse {
        let target = request.url.replacing("http://synthesize.invalid", with: "")
        let line = "\(request.method.rawValue) \(target)"
        sentRequests.withLock { $0.append(line) }
        guard let answer = answers.withLock({ $0[line] }) else {
            throw HTTPClientError(code: .connectionRefused, delivery: .neverSent, message: "nothing answers \(line)")
        }
        return IncomingResponse(
            status: HTTPResponse.Status(code: answer.status), headerFields: [.contentType: "application/json"],
            body: Array(answer.body.utf8))
    }
}

/// A vendor with one customer, which asks for one secret.
struct ShelfConnector: Connector {
    let id = "shelf"
    let productName = "Shelf"
    let fields = [
        ConnectorField(name: "apiKey", label: "API Key", help: "Find it in Shelf.", isSecret: true, environmentName: "API_KEY"),
        ConnectorField(
            name: "apiURL", label: "API URL", help: "", isSecret: false, defaultValue: "https://shelf.invalid",
            environmentName: "API_URL"),
    ]
    let services = [
        CatalogueService(
            name: "Seats", description: "Seats", category: "security", subcategory: "email security",
            basis: CountBasis(name: "protected seats", version: 2))
    ]

    func credential(from entered: [String: String]) throws(ConnectorError) -> ConnectorCredential {
        guard let key = entered["apiKey"], !key.isEmpty else {
            throw ConnectorError(code: .invalidInput, message: "API Key is empty.", field: "apiKey")
        }
        return ConnectorCredential(
            openFields: ["apiURL": entered["apiURL"] ?? "https://shelf.invalid"], secretFields: ["apiKey": Secret(key)])
    }

    func fetchAccounts(_ request: FetchRequest) async throws(ConnectorError) -> VendorAccounts {
        VendorAccounts(accounts: [VendorAccount(id: "a-1", name: "Contoso")], recordsDropped: 0)
    }

    func fetchUsage(_ request: FetchRequest) async throws(ConnectorError) -> VendorSnapshot {
        VendorSnapshot(accounts: [VendorAccount(id: "a-1", name: "Contoso")], usage: [], recordsDropped: 0)
    }
}

enum Repository {
    /// A path below the repository's root.
    static func path(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: name).path()
    }
}
