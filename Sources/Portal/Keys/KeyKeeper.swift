import Foundation
import Integration
import Logging
import Secrets
import Store
import Synchronization

/// Finds the master key, opens the data keys with it, and rotates both, while the service runs or beside it.
public struct KeyKeeper: Sendable {
    private let configuration: Configuration
    private let dependencies: Dependencies
    private let store: any Store
    private let turn = RotationTurn()

    public init(_ configuration: Configuration, _ dependencies: Dependencies, _ store: any Store) {
        self.configuration = configuration
        self.dependencies = dependencies
        self.store = store
    }

    // MARK: - Opening

    /// Opens the database's data keys with the operator's key; a new database gets a data key.
    public func openKeyRing() async throws(ApplicationError) -> KeyRing {
        do {
            let wrapped = try await store.wrappedKeys()
            // A new data key beside secrets that another one sealed would hide that theirs is gone.
            if !wrapped.contains(where: { $0.retiredAt == nil }) { try await requireNothingSealed() }
            let master = try masterKey(for: wrapped)
            if var keyRing = try KeyRing.open(wrapped, master: master) {
                try await requireSomethingOpens(keyRing, Set(wrapped.map(\.id)))
                if !keyRing.provesRows { keyRing = try await proveRows(keyRing, wrapped, master) }
                turn.adopt(master)
                return keyRing
            }
            let (keyRing, new) = try KeyRing.create(master: master, random: dependencies.random, at: dependencies.time.now())
            try await store.insertWrappedKey(new)
            turn.adopt(master)
            return keyRing
        } catch let error as SecretsError {
            throw ApplicationError(error.message)
        } catch let error as StoreError {
            throw ApplicationError(error.message)
        } catch {
            throw ApplicationError("\(error)")
        }
    }

    /// A database from before rows that let in carried proofs: what it holds is believed once, and proven from then on.
    private func proveRows(_ old: KeyRing, _ wrapped: [WrappedDataKey], _ master: MasterKey) async throws -> KeyRing {
        try await requireNeverProven()
        try await OperatorKeys.keyPlainHashes(store: store, keyRing: old, random: dependencies.random)
        let again = try KeyRing.addingRowKey(to: wrapped, master: master, random: dependencies.random)
        guard let keyRing = try KeyRing.open(again, master: master) else { return old }
        var partners: [PartnerID: String] = [:]
        var cursor: PartnerID?
        while case let page = try await store.partners(after: cursor, limit: 500), let last = page.last {
            for partner in page { partners[partner.id] = partner.proven(by: keyRing).proof }
            cursor = last.id
        }
        let keys = try await store.operatorKeys().map { ($0.id, $0.proven(by: keyRing).proof) }
        let proven = partners
        let entry = AuditEntry(
            at: dependencies.time.now(), actor: "perch", action: OlderDataKey.provingAction, partnerID: nil, address: nil,
            details:
                "From now on the rows of \(partners.count) partners and \(keys.count) operator keys carry a proof that Perch wrote them.")
        try await store.audited(entry) { () async throws(StoreError) in
            try await store.adoptProofs(again, partners: proven, operatorKeys: Dictionary(uniqueKeysWithValues: keys))
        }
        dependencies.logger.notice("\(entry.details)")
        return keyRing
    }

    /// - Throws: `ApplicationError` when rows carry proofs, or the audit trail tells that they once did.
    private func requireNeverProven() async throws {
        var wereProven = try await store.operatorKeys().contains { !$0.proof.isEmpty }
        var partner: PartnerID?
        while !wereProven, case let page = try await store.partners(after: partner, limit: 500), let last = page.last {
            wereProven = page.contains { !$0.proof.isEmpty }
            partner = last.id
        }
        var entry = 0
        while !wereProven, case let page = try await store.auditEntries(after: entry, limit: 500), let last = page.last?.sequence {
            wereProven = page.contains { $0.action == OlderDataKey.provingAction }
            entry = last
        }
        if wereProven { throw ApplicationError(OlderDataKey.message) }
    }

    private func requireNothingSealed() async throws {
        guard try await store.sealedValues(notUnder: nil, after: nil, limit: 1).isEmpty else {
            throw ApplicationError(
                """
                The database holds stored secrets, but not the data key that opens them. Nothing was changed. Put the database back \
                from a backup that holds it; `perch doctor` looks at one.
                """)
        }
    }

    /// One secret whose data key is gone is for `perch doctor` to name; when it is all of them, this is not the database's data key.
    private func requireSomethingOpens(_ keyRing: KeyRing, _ known: Set<String>) async throws {
        let lost = try await store.sealedValues(notUnder: keyRing.keyID, after: nil, limit: .max)
            .count { $0.sealed.keyID.map { !known.contains($0) } ?? true }
        guard lost > 0 else { return }
        let all = try await store.sealedValues(notUnder: nil, after: nil, limit: .max).count
        dependencies.logger.error(
            "stored secrets whose data key is not in the database; `perch doctor` names them",
            metadata: ["lost": "\(lost)", "of": "\(all)"])
        if lost == all { try await requireNothingSealed() }
    }

    /// What does not open, each by name. Empty when all is well.
    /// - Throws: as `open(_:_:)`.
    public static func faults(
        of sealed: [SealedValue], under wrapped: [WrappedDataKey], _ configuration: Configuration
    ) throws(SecretsError) -> [String] {
        if wrapped.isEmpty, sealed.isEmpty { return [] }
        guard wrapped.contains(where: { $0.retiredAt == nil }), let ring = try open(wrapped, configuration) else {
            let ids = Set(sealed.compactMap(\.sealed.keyID)).sorted().joined(separator: ", ")
            return [
                "No data key is in use, and \(sealed.count) stored secrets are sealed with \(ids.isEmpty ? "none" : ids). Restore a backup "
                    + "that holds the data key; the service does not start without it."
            ]
        }
        var faults: [String] = []
        for value in sealed {
            do throws(SecretsError) {
                _ = try ring.open(value.sealed, value.context)
            } catch {
                faults.append(error.message)
            }
        }
        return faults
    }

    /// Whether a rotation of the master key was cut off and waits for the next start to end it.
    public static func isMasterRotationCutOff(_ configuration: Configuration) throws(SecretsError) -> Bool {
        guard configuration.secretKey == nil else { return false }
        return try MasterKeyFile.load(MasterKeyFile.nextPath(of: keyFile(configuration))) != nil
    }

    /// Opens data keys with the master key that there is; makes none.
    /// - Throws: `SecretsError` with code `keyFileUnavailable` when there is none, and what opening throws.
    public static func open(_ wrapped: [WrappedDataKey], _ configuration: Configuration) throws(SecretsError) -> KeyRing? {
        let keyFile = keyFile(configuration)
        let given = try givenKey(configuration)
        if given == nil, let next = try MasterKeyFile.load(MasterKeyFile.nextPath(of: keyFile)) {
            // Cut off after the database was wrapped with the next key, before that took the file's place.
            do throws(SecretsError) {
                return try KeyRing.open(wrapped, master: next)
            } catch {
                guard error.code == .masterKeyWrong else { throw error }
            }
        }
        let found = given == nil ? try MasterKeyFile.load(keyFile) : given
        guard let master = found else {
            throw SecretsError(
                code: .keyFileUnavailable,
                message: """
                    There is no master key: neither is \(Setting.secretKey.key) set, nor is there a key file \(keyFile). Nothing was \
                    changed.
                    """)
        }
        return try KeyRing.open(wrapped, master: master)
    }

    private static func keyFile(_ configuration: Configuration) -> String { configuration.dataDirectory + "/secret.key" }
    private var keyFile: String { Self.keyFile(configuration) }

    private static func givenKey(_ configuration: Configuration) throws(SecretsError) -> MasterKey? {
        guard let given = configuration.secretKey else { return nil }
        do {
            return try MasterKey(base64: given)
        } catch {
            throw SecretsError(code: error.code, message: "\(Setting.secretKey.key): \(error.message)")
        }
    }

    /// The master key that the settings or the key file give. A rotation that was cut off between the database and the key file is
    /// ended, whichever of the two it had reached.
    private func masterKey(for wrapped: [WrappedDataKey]) throws(SecretsError) -> MasterKey {
        if let given = try Self.givenKey(configuration) { return given }
        try MasterKeyFile.removeLeftovers(of: keyFile)
        if let next = try MasterKeyFile.load(MasterKeyFile.nextPath(of: keyFile)) {
            do {
                _ = try KeyRing.open(wrapped, master: next)
                try MasterKeyFile.takeNext(of: keyFile)
            } catch {
                guard error.code == .masterKeyWrong else { throw error }
                try MasterKeyFile.dropNext(of: keyFile)
            }
        }
        // A new key opens nothing of what another has wrapped, and would stand in the place where that belongs.
        if !wrapped.isEmpty, try MasterKeyFile.load(keyFile) == nil {
            throw SecretsError(
                code: .keyFileUnavailable,
                message: """
                    The key file \(keyFile) is gone, and the database holds secrets that only its key opens. Nothing was changed. Put \
                    the file back from its copy.
                    """)
        }
        let (key, created) = try MasterKeyFile.loadOrCreate(at: keyFile, random: dependencies.random)
        if created {
            dependencies.logger.notice(
                "made a key file for the stored keys; keep a copy of it apart from the database", metadata: ["path": "\(keyFile)"])
        }
        return key
    }

    // MARK: - Rotation

    /// What a rotation of the data key did.
    public struct Report: Sendable, Hashable {
        /// The data key that seals now.
        public var keyID: String
        public var resealed: Int
        /// Values that did not open under any data key and were left as they are, by place.
        public var failed: [String]
        /// Data keys that nothing needs any more and that were removed.
        public var removed: [String]
    }

    /// A new data key from now on; then every stored value is sealed with it, a few at a time. Cut off at any moment, the next
    /// rotation or the next start goes on with it: until then each value opens with the key that sealed it.
    /// - Parameter atOnce: values sealed anew in one transaction.
    /// - Throws: `IntegrationError` with code `conflict` while another rotation is under way.
    public func rotateDataKey(_ keyRing: KeyRing, atOnce: Int = 50, by initiator: Initiator) async throws -> Report {
        try turn.take()
        defer { turn.give() }
        let now = dependencies.time.now()
        if try await !store.sealedValues(notUnder: keyRing.keyID, after: nil, limit: 1).isEmpty {
            let resumed = try await reseal(keyRing, atOnce: atOnce)
            // What does not open must not keep everything else under the present key for ever.
            if resumed.resealed > 0 { return resumed }
        }
        let (next, wrapped) = try KeyRing.create(
            master: presentMasterKey(for: try await store.wrappedKeys()), after: keyRing, random: dependencies.random, at: now)
        try await store.audited(entry("keys.rotateData", initiator, "from \(keyRing.keyID) to \(wrapped.id)")) {
            () async throws(StoreError) in try await store.replaceWrappedKey(with: wrapped, at: now)
        }
        keyRing.adopt(next)
        return try await reseal(keyRing, atOnce: atOnce)
    }

    /// Seals with the present data key what an older one still seals. Does nothing when there is nothing.
    @discardableResult
    public func reseal(_ keyRing: KeyRing, atOnce: Int = 50) async throws -> Report {
        let current = keyRing.keyID
        var report = Report(keyID: current, resealed: 0, failed: [], removed: [])
        var cursor: SealContext?
        while true {
            let values = try await store.sealedValues(notUnder: current, after: cursor, limit: atOnce)
            guard let last = values.last else { break }
            var replacements: [SealedReplacement] = []
            for value in values {
                do {
                    let secret = try keyRing.open(value.sealed, value.context)
                    replacements.append(
                        SealedReplacement(
                            context: value.context, before: value.sealed,
                            after: try keyRing.seal(secret, value.context, random: dependencies.random)))
                } catch {
                    report.failed.append("\(value.context.table) \(value.context.row)")
                    dependencies.logger.error(
                        "A stored secret does not open and keeps its old data key", metadata: ["error": "\(error)"])
                }
            }
            // What somebody replaced meanwhile is sealed with the present key already.
            report.resealed += try await store.replaceSealed(replacements)
            cursor = last.context
        }
        return report
    }

    /// Ends a rotation that was cut off, and removes the data keys that nothing needs any more. Only while nothing else uses the
    /// store: what was sealed with an old key a moment ago might not be stored yet.
    public func finishRotation(_ keyRing: KeyRing) async throws {
        guard try await store.wrappedKeys().count > 1 else { return }
        let report = try await reseal(keyRing)
        let entry = AuditEntry(
            at: dependencies.time.now(), actor: "perch", action: "keys.removeRetired", partnerID: nil, address: nil,
            details: "A rotation of the data key that was cut off is done; what nothing needs any more was removed.")
        let removed = try await store.audited(entry) { () async throws(StoreError) in try await store.removeUnusedKeys() }
        dependencies.logger.notice(
            "went on with a rotation of the data key",
            metadata: [
                "resealed": "\(report.resealed)", "failed": "\(report.failed.count)", "removed": "\(removed.joined(separator: " "))",
            ])
    }

    /// The data keys under another master key. Nothing that they sealed is touched, so it is done in one transaction.
    /// - Parameter given: the new key, which must stand in the settings before the next start. Nil for an installation with a key file:
    ///   then a new key is made and takes the file's place.
    /// - Throws: `IntegrationError` with code `conflict` while another rotation is under way.
    public func rotateMasterKey(to given: MasterKey?, by initiator: Initiator) async throws {
        try turn.take()
        defer { turn.give() }
        let wrapped = try await store.wrappedKeys()
        let old = try presentMasterKey(for: wrapped)
        let usesFile = configuration.secretKey == nil
        guard usesFile == (given == nil) else {
            throw IntegrationError(
                code: .invalidInput,
                message: usesFile
                    ? "This installation keeps its master key in \(keyFile) and makes a new one by itself. Leave the new key out."
                    : "This installation is given its master key by \(Setting.secretKey.key), so a new one must be given too. "
                        + "`perch keys generate` makes one.",
                field: "newKey")
        }
        let new = given ?? MasterKey.generate(random: dependencies.random)
        guard new != old else {
            throw IntegrationError(
                code: .invalidInput, message: "The new master key is the present one. Nothing was changed.", field: "newKey")
        }
        let again = try KeyRing.rewrap(wrapped, from: old, to: new, random: dependencies.random)
        if usesFile { try MasterKeyFile.writeNext(new, of: keyFile, random: dependencies.random) }
        do {
            try await store.audited(entry("keys.rotateMaster", initiator, "\(wrapped.count) data keys wrapped anew")) {
                () async throws(StoreError) in try await store.rewrapKeys(again)
            }
        } catch {
            if usesFile { try MasterKeyFile.dropNext(of: keyFile) }
            throw error
        }
        turn.adopt(new)
        if usesFile { try MasterKeyFile.takeNext(of: keyFile) }
    }

    /// The master key that opens the database now. In a running service that is not the one of its settings once it was rotated.
    /// - Throws: `SecretsError` with code `masterKeyWrong` rather than wrap anything with a key that does not open the rest.
    private func presentMasterKey(for wrapped: [WrappedDataKey]) throws(SecretsError) -> MasterKey {
        let master: MasterKey
        if let known = turn.master { master = known } else { master = try masterKey(for: wrapped) }
        _ = try KeyRing.open(wrapped, master: master)
        return master
    }

    private func entry(_ action: String, _ initiator: Initiator, _ details: String) -> AuditEntry {
        AuditEntry(
            at: dependencies.time.now(), actor: initiator.actor, action: action, partnerID: nil, address: initiator.address,
            details: details)
    }
}

/// One rotation at a time, and the master key as the last one left it: two at once took each other's half-written key files for those
/// of a crash, and wrapped data keys with a master key that had just been replaced.
private final class RotationTurn: Sendable {
    private let state = Mutex<(isTaken: Bool, master: MasterKey?)>((false, nil))

    var master: MasterKey? { state.withLock { $0.master } }

    func adopt(_ master: MasterKey) { state.withLock { $0.master = master } }

    func take() throws(IntegrationError) {
        let isFree = state.withLock { state in
            defer { state.isTaken = true }
            return !state.isTaken
        }
        guard isFree else {
            throw IntegrationError(
                code: .conflict, message: "Keys are being rotated already. Nothing was changed; try again when that is done.")
        }
    }

    func give() { state.withLock { $0.isTaken = false } }
}
