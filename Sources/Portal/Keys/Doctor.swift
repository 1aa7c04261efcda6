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

    /// The master key opens every data key, and every sealed value opens in its own row.
    private func keys(_ store: SQLiteStore) async -> InspectionCheck {
        do {
            guard let ring = try await KeyKeeper(configuration, dependencies, store).openForReading() else {
                return InspectionCheck("stored secrets", "none yet")
            }
            var faults: [String] = []
            var (count, retired) = (0, 0)
            var cursor: SealContext?
            while true {
                let values = try await store.sealedValues(notUnder: nil, after: cursor, limit: 200)
                guard let last = values.last else { break }
                for value in values {
                    count += 1
                    if value.sealed.keyID != ring.keyID { retired += 1 }
                    do {
                        _ = try ring.open(value.sealed, value.context)
                    } catch {
                        faults.append(error.message)
                    }
                }
                cursor = last.context
            }
            let remark = "\(count) open with data key \(ring.keyID)"
            return InspectionCheck(
                "stored secrets",
                retired == 0 ? remark : remark + "; \(retired) of them with a retired one: `perch keys rotate` was cut off",
                faults: faults)
        } catch let error as SecretsError {
            return InspectionCheck("stored secrets", "could not be opened", faults: [error.message])
        } catch let error as StoreError {
            return InspectionCheck("stored secrets", "could not be read", faults: [error.message])
        } catch {
            return InspectionCheck("stored secrets", "could not be opened", faults: ["\(error)"])
        }
    }
}
