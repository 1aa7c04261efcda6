import Crypto

/// Proofs that a row was written by who holds the keys. Whoever can write the database file, but does not have the master key, makes
/// no row that lets him in, and alters none that still does.
extension KeyRing {
    /// Whether there is a key for proofs; false for a database from before them, which proves nothing and believes nothing.
    public var provesRows: Bool { rowKey != nil }

    /// HMAC-SHA256 over the table and what the row says, as 64 lower-case hexadecimal digits; empty without a key for proofs.
    public func rowProof(_ table: String, _ values: [String?]) -> String {
        guard let rowKey else { return "" }
        // Nothing and the empty text are told apart.
        let texts = [table] + values.flatMap { value in value.map { ["1", $0] } ?? ["0"] }
        return hexadecimal(HMAC<SHA256>.authenticationCode(for: AuthenticatedCipher.associatedData(texts), using: rowKey))
    }

    /// Whether the proof is that of this row. None is without a key for proofs.
    public func proves(_ proof: String, _ table: String, _ values: [String?]) -> Bool {
        provesRows && equalInConstantTime(proof, rowProof(table, values))
    }
}
