import Connectors
import Foundation
import Logging
import Secrets
import Store
import Synthesize

/// What a partner enters under "Connect". It holds keys as typed, so it prints none of what it holds.
public struct ConnectRequest: Sendable, CustomStringConvertible, CustomReflectable {
    /// As pasted; white space around it is taken off. Empty keeps the stored key.
    public var partnerKey: String
    /// The connector's fields by name. An empty secret keeps the stored one.
    public var fields: [String: String]
    /// The partner knows that the key belongs to another organization than before.
    public var confirmsOtherOrganization: Bool

    public init(partnerKey: String, fields: [String: String], confirmsOtherOrganization: Bool = false) {
        self.partnerKey = partnerKey
        self.fields = fields
        self.confirmsOtherOrganization = confirmsOtherOrganization
    }

    public var description: String { "ConnectRequest(***)" }
    public var customMirror: Mirror { Mirror(self, children: [Mirror.Child]()) }

    /// The key without white space around it.
    /// - Throws: `invalidInput` for a key that cannot stand in a token.
    func trimmedKey() throws(IntegrationError) -> String {
        let key = partnerKey.trimmingWhitespace()
        guard key.count <= 4096, key.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F }) else {
            throw IntegrationError(
                code: .invalidInput,
                message: "This does not look like a Partner API key: it has a space, a line break or a special character in it. "
                    + "Copy it again from Synthesize and paste it here.",
                field: "partnerKey")
        }
        return key
    }
}

extension Desk {
    /// Checks the key with Synthesize and the credential with the vendor, and only then stores both and starts the connect job.
    /// Whatever fails, nothing is stored and what was stored is kept.
    /// - Returns: the connect job, queued.
    @discardableResult
    public func connect(
        _ partner: PartnerID, _ request: ConnectRequest, by initiator: Initiator
    ) async throws(IntegrationError) -> SyncRun {
        let connection = try await environment.connection(partner)
        let key = try keyToUse(request, connection)
        let organization = try await checkedOrganization(partner, key, request, connection)
        let credential = try await checkedCredential(partner, request)

        let now = environment.time.now()
        var updated = connection
        updated.partnerKey = try sealed(key, of: partner)
        updated.keyLastFour = key.lastFour
        updated.keySavedAt = now
        updated.keyVersion += 1
        if updated.state != .connected {
            updated.state = .connected
            updated.stateSince = now
        }
        updated.stateReason = nil
        updated.reportedStatus = organization.status.rawValue
        updated.statusReadAt = now
        updated.organizationID = organization.organizationID
        updated.organizationName = organization.name
        let job = SyncRun(
            id: newRunID(), partnerID: partner, purpose: .connect, trigger: initiator.trigger,
            startedBy: initiator.startedBy, createdAt: now)

        let isOther = connection.organizationID.map { $0 != organization.organizationID } ?? false
        let toSave = updated
        let insertion = try await audited(
            "connection.connect", partner, by: initiator,
            "key ending \(key.lastFour), organization \(organization.organizationID)"
        ) { () async throws(IntegrationError) in
            try await remember { store throws(StoreError) in
                let insertion = try await store.saveConnect(
                    connection: toSave, replacing: connection, credential: credential, job: job)
                if case .inserted = insertion, isOther { try await store.forgetAccounts(partner) }
                return insertion
            }
        }
        guard let insertion else {
            throw IntegrationError(
                code: .conflict,
                message: "The connection was changed by somebody else while the key was checked, so this key was not stored. Look at "
                    + "the page again, and connect if you still want to.")
        }
        guard case .inserted(let run) = insertion else {
            throw IntegrationError(
                code: .conflict, message: "A sync is going on. Nothing was changed; connect again when it has ended.")
        }
        try await activateSchedule(of: partner)
        await worker.wake()
        return run
    }

    private func keyToUse(_ request: ConnectRequest, _ connection: Connection) throws(IntegrationError) -> Secret {
        let entered = try request.trimmedKey()
        if !entered.isEmpty { return Secret(entered) }
        guard connection.partnerKey != nil else {
            throw IntegrationError(
                code: .invalidInput,
                message: "Paste the Partner API key. In Synthesize: Integrations, this product, Generate API key.",
                field: "partnerKey")
        }
        return try environment.partnerKey(of: connection)
    }

    /// O1 with the key; the one check that Gradient recommends (contract O1).
    private func checkedOrganization(
        _ partner: PartnerID, _ key: Secret, _ request: ConnectRequest, _ connection: Connection
    ) async throws(IntegrationError) -> PartnerOrganization {
        let organization: PartnerOrganization
        do {
            organization = try await environment.client(partner, key: key, .interactive, attempts: 2).organization()
        } catch {
            var failure = IntegrationError(error)
            if failure.code == .keyRefused { failure.field = "partnerKey" }
            throw failure
        }
        if let known = connection.organizationID, known != organization.organizationID, !request.confirmsOtherOrganization {
            throw IntegrationError(
                code: .otherOrganization,
                message: "This key belongs to \(organization.name), not to \(connection.organizationName ?? known) as before. "
                    + "Nothing was changed. Confirm if the change is right.",
                field: "partnerKey")
        }
        return organization
    }

    /// The vendor's credential, proven by listing the customers; nil when the stored one stays as it is.
    private func checkedCredential(
        _ partner: PartnerID, _ request: ConnectRequest
    ) async throws(IntegrationError) -> VendorCredential? {
        let old = try await storedCredential(partner, orReplacedBy: request.fields)
        try checkFields(request.fields, old)
        var entered = request.fields
        for field in environment.connector.fields where entered[field.name, default: ""].trimmingWhitespace().isEmpty {
            entered[field.name] = field.isSecret ? old?.secretFields[field.name]?.reveal() : old?.openFields[field.name]
        }
        do {
            let credential = try environment.connector.credential(from: entered)
            if credential == old { return nil }
            _ = try await environment.connector.fetchAccounts(environment.fetchRequest(of: partner, credential))
            return try environment.vault.sealCredential(
                credential, connectorID: environment.connector.id, of: partner, at: environment.time.now())
        } catch let error as ConnectorError {
            throw IntegrationError(error)
        } catch let error as IntegrationError {
            throw error
        } catch {
            throw IntegrationError(code: .secrets, message: "The credential could not be stored.")
        }
    }

    /// A stored secret goes only where it was meant to go: with another address it must be typed again.
    private func checkFields(_ entered: [String: String], _ old: ConnectorCredential?) throws(IntegrationError) {
        let fields = environment.connector.fields
        let known = Set(fields.map(\.name))
        if let unknown = entered.keys.filter({ !known.contains($0) }).min() {
            throw IntegrationError(
                code: .invalidInput, message: "\(environment.connector.productName) has no field \"\(unknown)\".", field: unknown)
        }
        guard let old else { return }
        func text(_ field: ConnectorField) -> String { entered[field.name, default: ""].trimmingWhitespace() }
        guard let changed = fields.first(where: { !$0.isSecret && !text($0).isEmpty && text($0) != old.openFields[$0.name] }),
            let secret = fields.first(where: { $0.isSecret && text($0).isEmpty })
        else { return }
        throw IntegrationError(
            code: .invalidInput,
            message: "The \(changed.label) is another one now, so enter the \(secret.label) again: a stored one is sent only to the "
                + "address that it was entered for. Nothing was changed.",
            field: secret.name)
    }

    /// The stored credential, opened; nil when there is none, or when it does not open and all its secrets are entered anew.
    private func storedCredential(
        _ partner: PartnerID, orReplacedBy entered: [String: String]
    ) async throws(IntegrationError) -> ConnectorCredential? {
        guard let stored = try await remember({ _ throws(StoreError) in try await environment.vendorCredential(partner) })
        else { return nil }
        do {
            return try environment.vault.openCredential(stored)
        } catch {
            let secrets = environment.connector.fields.filter(\.isSecret)
            guard secrets.allSatisfy({ !entered[$0.name, default: ""].trimmingWhitespace().isEmpty }) else { throw error }
            return nil
        }
    }

    /// Stores the vendor's credential before there is a key: an operator who knows it spares the partner the question.
    public func saveVendorCredential(
        _ partner: PartnerID, fields: [String: String], by initiator: Initiator
    ) async throws(IntegrationError) {
        guard let credential = try await checkedCredential(partner, ConnectRequest(partnerKey: "", fields: fields)) else {
            return
        }
        try await audited("vendorCredential.save", partner, by: initiator) { () async throws(IntegrationError) in
            try await remember { store throws(StoreError) in try await store.saveVendorCredential(credential) }
        }
    }

    private func sealed(_ key: Secret, of partner: PartnerID) throws(IntegrationError) -> SealedSecret {
        do {
            return try environment.vault.sealPartnerKey(key, of: partner)
        } catch {
            throw IntegrationError(error)
        }
    }

    /// Stops schedule and runs, and tells Synthesize. The key is kept, so that `enable` is one click. Not Gradient's Disconnect: accounts
    /// and mappings stay.
    /// - Returns: what the person should know beyond success; nil when all went well.
    @discardableResult
    public func disable(_ partner: PartnerID, by initiator: Initiator) async throws(IntegrationError) -> String? {
        let now = environment.time.now()
        let nothingToDisable = IntegrationError(code: .conflict, message: "There is nothing to disable: no key is stored.")
        guard try await environment.connection(partner).partnerKey != nil else { throw nothingToDisable }
        let connection = try await audited("connection.disable", partner, by: initiator) { () async throws(IntegrationError) in
            try await remember { store throws(StoreError) in
                try await store.updateConnection(partner) { connection in
                    // Disabled anew even if it was: a connect that is under way must see that somebody thought otherwise.
                    guard connection.partnerKey != nil else { return }
                    connection.state = .disabled
                    connection.stateSince = now
                    connection.stateReason = nil
                }
            }
        }
        guard connection.state == .disabled else { throw nothingToDisable }
        try await stopWork(of: partner)
        return try await tellDisabled(partner, connection)
    }

    /// Connects again with what is stored.
    @discardableResult
    public func enable(_ partner: PartnerID, by initiator: Initiator) async throws(IntegrationError) -> SyncRun {
        try await connect(partner, ConnectRequest(partnerKey: "", fields: [:]), by: initiator)
    }

    /// Deletes the stored key and the vendor's credential.
    public func forgetKey(_ partner: PartnerID, by initiator: Initiator) async throws(IntegrationError) {
        let connection = try await environment.connection(partner)
        try await audited("connection.forgetKey", partner, by: initiator) { () async throws(IntegrationError) in
            try await stopWork(of: partner)
            if connection.state == .connected { _ = try await tellDisabled(partner, connection) }
            let now = environment.time.now()
            try await remember { store throws(StoreError) in try await store.forgetKey(partner, at: now) }
        }
    }

    private func stopWork(of partner: PartnerID) async throws(IntegrationError) {
        let worker = worker
        let environment = environment
        try await remember { store throws(StoreError) in
            try await environment.restSchedule(of: partner)
            if let run = try await store.activeRun(partner) { try await worker.cancel(run.id) }
        }
    }

    /// O2 `disabled`, or `inactive` where the server does not know that word (U-1). Failure is told, not thrown: Perch itself has
    /// stopped already.
    private func tellDisabled(_ partner: PartnerID, _ connection: Connection) async throws(IntegrationError) -> String? {
        let key: Secret
        do {
            key = try environment.partnerKey(of: connection)
        } catch {
            return "Perch has stopped sending. Synthesize could not be told: \(error.message)"
        }
        let client = environment.client(partner, key: key, .interactive, attempts: 2)
        let answer: PartnerOrganization?
        do {
            answer = try await client.updateStatusToDisabled()
        } catch {
            environment.logger.notice(
                "Synthesize could not be told of a disabled integration",
                metadata: ["partner": "\(partner)", "error": "\(error)"])
            return "Perch has stopped sending. Synthesize could not be told: \(RunFailure(error).message)"
        }
        if let answer {
            let environment = environment
            try await remember { _ throws(StoreError) in try await environment.note(answer, of: partner) }
        }
        return nil
    }
}

extension SynthesizeClient {
    fileprivate func updateStatusToDisabled() async throws(SynthesizeError) -> PartnerOrganization? {
        do {
            return try await updateStatus(.disabled)
        } catch {
            guard error.code == .rejected else { throw error }
            return try await updateStatus(.inactive)
        }
    }
}
