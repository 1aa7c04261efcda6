import Foundation
import Secrets

/// A sealed value and the place that it is sealed for.
public struct SealedValue: Sendable, Hashable {
    public var context: SealContext
    public var sealed: SealedSecret

    public init(context: SealContext, sealed: SealedSecret) {
        self.context = context
        self.sealed = sealed
    }
}

/// A sealed value that takes the place of another.
public struct SealedReplacement: Sendable, Hashable {
    public var context: SealContext
    public var before: SealedSecret
    public var after: SealedSecret

    public init(context: SealContext, before: SealedSecret, after: SealedSecret) {
        self.context = context
        self.before = before
        self.after = after
    }
}

/// Data keys, and what they sealed.
public protocol KeyStore: Sendable {
    /// The wrapped data key that seals, and its check value; nil in a new database.
    func wrappedKey() async throws(StoreError) -> WrappedDataKey?
    /// All data keys, the one that seals first, then the retired ones, newest first.
    func wrappedKeys() async throws(StoreError) -> [WrappedDataKey]
    /// - Throws: `StoreError` with code `duplicate` when one that seals is there already.
    func insertWrappedKey(_ key: WrappedDataKey) async throws(StoreError)
    /// The new key seals from now on, and the one before is retired: both in one transaction.
    func replaceWrappedKey(with key: WrappedDataKey, at: Date) async throws(StoreError)
    /// Replaces wrapping and check value of all data keys in one transaction.
    /// - Throws: `StoreError` with code `notFound` when these are not the data keys that there are; then nothing is changed.
    func rewrapKeys(_ keys: [WrappedDataKey]) async throws(StoreError)
    /// Ends the time before proofs of rows, in one transaction: the data keys as wrapped with the key for proofs, and the proofs of what
    /// there is.
    /// - Throws: as `rewrapKeys`.
    func adoptProofs(
        _ keys: [WrappedDataKey], partners: [PartnerID: String], operatorKeys: [OperatorKeyID: String]
    ) async throws(StoreError)
    /// Removes the retired data keys that no stored value needs any more, and returns their ids.
    func removeUnusedKeys() async throws(StoreError) -> [String]

    /// Sealed values by table and row, those after `cursor`, leaving out what this data key sealed.
    func sealedValues(
        notUnder keyID: String?, after cursor: SealContext?, limit: Int
    ) async throws(StoreError) -> [SealedValue]
    /// Replaces the values that are still what they were, in one transaction.
    /// - Returns: how many were.
    func replaceSealed(_ replacements: [SealedReplacement]) async throws(StoreError) -> Int

    /// A secret of the installation itself.
    func sealedSetting(_ name: String) async throws(StoreError) -> SealedSecret?
    /// - Throws: `StoreError` with code `duplicate` when it is there already.
    func insertSealedSetting(_ name: String, _ value: SealedSecret) async throws(StoreError)
}

extension SealContext {
    /// Where `insertSealedSetting` keeps a value.
    public static func setting(_ name: String) -> SealContext {
        SealContext(table: "sealed_setting", row: name, column: "value")
    }
}
