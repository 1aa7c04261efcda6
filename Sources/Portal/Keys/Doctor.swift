import Secrets
import Store

/// Looks at an installation from outside, also beside the running service, and changes nothing.
public struct Doctor: Sendable {
    private let configuration: Configuration
    private let dependencies: Dependencies

    public init(_ configuration: Configuration, _ dependencies: Dependencies) {
        self.configuration = configuration
        self.dependencies = dependencies
    }

    /// Everything that was looked at, the database first.
    /// - Parameter auditHead: `sequence:hash` of an entry as it was seen before; the trail must still hold it.
    /// - Throws: `ApplicationError` when there is no database to look at.
    public func examine(auditHead: String? = nil) async throws(ApplicationError) -> [InspectionCheck] {
        do {
            let store = try SQLiteStore(readingOnly: configuration.dataDirectory, logger: dependencies.logger)
            var checks = try await store.inspect(migrationsDirectory: configuration.resources.migrationsDirectory)
            if let auditHead { checks.append(try await head(auditHead, store)) }
            if let proofs = try await proofs(store) { checks.append(proofs) }
            checks.append(await keys(store))
            try await store.close()
            return checks
        } catch {
            throw ApplicationError(error.message)
        }
    }

    /// A chain made anew from some place on has other hashes from there on.
    private func head(_ noted: String, _ store: SQLiteStore) async throws(StoreError) -> InspectionCheck {
        let parts = noted.split(separator: ":", maxSplits: 1).map(String.init)
        let name = "audit head"
        guard parts.count == 2, let sequence = Int(parts[0]), sequence > 0 else {
            return InspectionCheck(name, "not understood", faults: ["Give the head as SEQUENCE:HASH, as doctor prints it."])
        }
        let found = try await store.auditEntries(after: sequence - 1, limit: 1).first
        guard let found, found.sequence == sequence, TokenHash.equal(found.chainHash, parts[1]) else {
            return InspectionCheck(
                name, "entry \(sequence)", faults: ["Entry \(sequence) is not the one that was noted: the trail was written anew, or cut."])
        }
        return InspectionCheck(name, "entry \(sequence) is the one that was noted")
    }

    /// Nil when no data key opens, which another check tells.
    private func proofs(_ store: SQLiteStore) async throws(StoreError) -> InspectionCheck? {
        let wrapped = try await store.wrappedKeys()
        let keyRing: KeyRing?
        do throws(SecretsError) {
            keyRing = try KeyKeeper.open(wrapped, configuration)
        } catch {
            return nil
        }
        guard let keyRing else { return nil }
        return try await store.inspectProofs(keyRing)
    }

    /// The master key opens every data key, and every sealed value opens in its own row.
    private func keys(_ store: SQLiteStore) async -> InspectionCheck {
        let name = "stored secrets"
        do {
            // In this order: a running service that rotates stores the key before what it seals.
            let sealed = try await store.sealedValues(notUnder: nil, after: nil, limit: .max)
            let wrapped = try await store.wrappedKeys()
            let faults = try KeyKeeper.faults(of: sealed, under: wrapped, configuration)
            guard let current = wrapped.first(where: { $0.retiredAt == nil }) else {
                return InspectionCheck(name, sealed.isEmpty ? "none yet" : "no data key", faults: faults)
            }
            let retired = sealed.count { $0.sealed.keyID != current.id }
            var remark = "\(sealed.count - faults.count) open with data key \(current.id)"
            if retired > 0 { remark += "; \(retired) of \(sealed.count) not sealed with it: `perch keys rotate data` was cut off" }
            if try KeyKeeper.isMasterRotationCutOff(configuration) {
                remark += "; `perch keys rotate master` was cut off, and the next start ends it"
            }
            return InspectionCheck(name, remark, faults: faults)
        } catch let error as SecretsError {
            return InspectionCheck(name, "could not be opened", faults: [error.message])
        } catch let error as StoreError {
            return InspectionCheck(name, "could not be read", faults: [error.message])
        } catch {
            return InspectionCheck(name, "could not be opened", faults: ["\(error)"])
        }
    }
}
