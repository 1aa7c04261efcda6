import Foundation
import Secrets
import Store

extension MemoryStore {
    public func wrappedKey() throws(StoreError) -> WrappedDataKey? {
        try access { database throws(StoreError) in database.wrappedKeys.first { $0.retiredAt == nil } }
    }

    public func wrappedKeys() throws(StoreError) -> [WrappedDataKey] {
        try access { database throws(StoreError) in
            let retired = database.wrappedKeys.filter { $0.retiredAt != nil }
            return database.wrappedKeys.filter { $0.retiredAt == nil }
                + retired.sorted { ($1.createdAt, $0.id) < ($0.createdAt, $1.id) }
        }
    }

    public func insertWrappedKey(_ key: WrappedDataKey) throws(StoreError) {
        try access { database throws(StoreError) in try database.insert(key) }
    }

    public func replaceWrappedKey(with key: WrappedDataKey, at instant: Date) throws(StoreError) {
        try access { database throws(StoreError) in
            guard !database.wrappedKeys.contains(where: { $0.id == key.id }) else { throw .duplicate("data key") }
            for index in database.wrappedKeys.indices where database.wrappedKeys[index].retiredAt == nil {
                database.wrappedKeys[index].retiredAt = instant.stored
            }
            try database.insert(key)
        }
    }

    public func rewrapKeys(_ keys: [WrappedDataKey]) throws(StoreError) {
        try access { database throws(StoreError) in try database.rewrap(keys) }
    }

    public func adoptProofs(
        _ keys: [WrappedDataKey], partners: [PartnerID: String], operatorKeys: [OperatorKeyID: String]
    ) throws(StoreError) {
        try access { database throws(StoreError) in
            try database.rewrap(keys)
            for (id, proof) in partners { database.partners[id]?.proof = proof }
            for (id, proof) in operatorKeys { database.operatorKeys[id]?.proof = proof }
        }
    }

    public func removeUnusedKeys() throws(StoreError) -> [String] {
        try access { database throws(StoreError) in
            let used = Set(database.sealedValues.map(\.sealed.keyID))
            let unused = database.wrappedKeys.filter { $0.retiredAt != nil && !used.contains($0.id) }.map(\.id).sorted()
            if !unused.isEmpty { database.wrappedKeys.removeAll { unused.contains($0.id) } }
            return unused
        }
    }

    public func sealedValues(
        notUnder keyID: String?, after cursor: SealContext?, limit: Int
    ) throws(StoreError) -> [SealedValue] {
        try access { database throws(StoreError) in
            let after = database.sealedValues.filter { value in
                (cursor.map { ($0.table, $0.row) < (value.context.table, value.context.row) } ?? true)
                    && (keyID.map { $0 != value.sealed.keyID } ?? true)
            }
            return Array(after.prefix(max(0, limit)))
        }
    }

    public func replaceSealed(_ replacements: [SealedReplacement]) throws(StoreError) -> Int {
        try access { database throws(StoreError) in
            var replaced = 0
            for one in replacements where database.sealedValues.contains(SealedValue(context: one.context, sealed: one.before)) {
                let partner = PartnerID(one.context.row)
                switch one.context.table {
                case "connection": database.connections[partner]?.partnerKey = one.after
                case "vendor_credential": database.credentials[partner]?.sealedFields = one.after
                default: database.sealedSettings[one.context.row] = one.after
                }
                replaced += 1
            }
            return replaced
        }
    }

    public func sealedSetting(_ name: String) throws(StoreError) -> SealedSecret? {
        try access { database throws(StoreError) in database.sealedSettings[name] }
    }

    public func insertSealedSetting(_ name: String, _ value: SealedSecret) throws(StoreError) {
        try access { database throws(StoreError) in
            guard database.sealedSettings[name] == nil else { throw .duplicate("setting") }
            database.sealedSettings[name] = value
        }
    }
}

extension MemoryDatabase {
    fileprivate mutating func rewrap(_ keys: [WrappedDataKey]) throws(StoreError) {
        guard Set(wrappedKeys.map(\.id)) == Set(keys.map(\.id)) else { throw .notFound("data key", "of all these") }
        for key in keys {
            for index in wrappedKeys.indices where wrappedKeys[index].id == key.id {
                wrappedKeys[index].wrapped = key.wrapped
                wrappedKeys[index].checkValue = key.checkValue
            }
        }
    }

    fileprivate mutating func insert(_ key: WrappedDataKey) throws(StoreError) {
        guard !wrappedKeys.contains(where: { $0.id == key.id || ($0.retiredAt == nil && key.retiredAt == nil) })
        else { throw .duplicate("data key") }
        var stored = key
        stored.createdAt = key.createdAt.stored
        stored.retiredAt = key.retiredAt?.stored
        wrappedKeys.append(stored)
    }

    /// By table and row.
    fileprivate var sealedValues: [SealedValue] {
        let keys = connections.values.compactMap { connection in
            connection.partnerKey.map { value("connection", connection.partnerID.rawValue, "partner_key", $0) }
        }
        let credentials = credentials.values.map { value("vendor_credential", $0.partnerID.rawValue, "sealed_fields", $0.sealedFields) }
        let settings = sealedSettings.map { SealedValue(context: .setting($0), sealed: $1) }
        return (keys + credentials + settings).sorted { ($0.context.table, $0.context.row) < ($1.context.table, $1.context.row) }
    }

    private func value(_ table: String, _ row: String, _ column: String, _ sealed: SealedSecret) -> SealedValue {
        SealedValue(context: SealContext(table: table, row: row, column: column), sealed: sealed)
    }
}
