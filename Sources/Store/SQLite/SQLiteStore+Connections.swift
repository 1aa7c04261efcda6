import Foundation
import GRDB
import Secrets

extension SQLiteStore {
    public func connection(_ partner: PartnerID) async throws(StoreError) -> Connection {
        try await read { try $0.connection(partner) }
    }

    @discardableResult
    public func updateConnection(
        _ partner: PartnerID, _ change: @escaping @Sendable (inout Connection) -> Void
    ) async throws(StoreError) -> Connection {
        try await write { database in
            let before = try database.connection(partner)
            var connection = before
            change(&connection)
            connection.partnerID = partner
            guard connection != before else { return before }
            try database.update(connection)
            return try database.connection(partner)
        }
    }

    public func vendorCredential(_ partner: PartnerID) async throws(StoreError) -> VendorCredential? {
        try await read { database in
            try database.fetchOne(
                VendorCredential.self, "SELECT * FROM vendor_credential WHERE partner_id = ?", [partner.rawValue])
        }
    }

    public func saveVendorCredential(_ credential: VendorCredential) async throws(StoreError) {
        try await write { database in try database.save(credential) }
    }

    public func saveConnect(
        connection: Connection, replacing before: Connection, credential: VendorCredential?, job: SyncRun
    ) async throws(StoreError) -> RunInsertion? {
        try await write { database in
            guard try database.connection(connection.partnerID).isUnchanged(since: before) else { return nil }
            let insertion = try database.insertUnlessActive(job)
            guard case .inserted = insertion else { return insertion }
            try database.update(connection)
            if let credential { try database.save(credential) }
            return insertion
        }
    }

    public func forgetKey(_ partner: PartnerID, at instant: Date) async throws(StoreError) {
        try await write { database in
            var connection = try database.connection(partner)
            connection.state = .notConnected
            connection.stateSince = instant
            connection.stateReason = nil
            connection.partnerKey = nil
            connection.keyLastFour = nil
            connection.keySavedAt = nil
            try database.update(connection)
            try database.change("DELETE FROM vendor_credential WHERE partner_id = ?", [partner.rawValue])
        }
    }
}

extension Database {
    fileprivate func connection(_ partner: PartnerID) throws -> Connection {
        guard
            let connection = try fetchOne(
                Connection.self, "SELECT * FROM connection WHERE partner_id = ?", [partner.rawValue])
        else { throw StoreError.notFound("partner", partner) }
        return connection
    }

    func insert(_ connection: Connection) throws {
        try insert(
            into: "connection",
            [
                "partner_id": connection.partnerID.rawValue, "state": connection.state.rawValue,
                "state_since": connection.stateSince.milliseconds, "key_version": connection.keyVersion,
            ])
    }

    fileprivate func update(_ connection: Connection) throws {
        let isThere = try update(
            "connection",
            [
                "state": connection.state.rawValue,
                "state_since": connection.stateSince.milliseconds,
                "state_reason": connection.stateReason,
                "partner_key": connection.partnerKey.map { Data($0.bytes) },
                "key_last_four": connection.keyLastFour,
                "key_saved_at": connection.keySavedAt?.milliseconds,
                "key_version": connection.keyVersion,
                "organization_id": connection.organizationID,
                "organization_name": connection.organizationName,
                "reported_status": connection.reportedStatus,
                "status_read_at": connection.statusReadAt?.milliseconds,
                "mapping_lost_at": connection.mappingLostAt?.milliseconds,
            ], where: "partner_id", is: connection.partnerID.rawValue)
        guard isThere else { throw StoreError.notFound("partner", connection.partnerID) }
    }

    fileprivate func save(_ credential: VendorCredential) throws {
        try insert(
            into: "vendor_credential",
            [
                "partner_id": credential.partnerID.rawValue, "connector_id": credential.connectorID,
                "open_fields": try storable(credential.openFields), "sealed_fields": Data(credential.sealedFields.bytes),
                "saved_at": credential.savedAt.milliseconds,
            ],
            """
            ON CONFLICT (partner_id) DO UPDATE SET connector_id = excluded.connector_id,
                open_fields = excluded.open_fields, sealed_fields = excluded.sealed_fields, saved_at = excluded.saved_at
            """)
    }
}

extension Connection: StoredRecord {
    static let table = "connection"
    static let key = ["partner_id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            partnerID: PartnerID(try row.text("partner_id")),
            state: try row.word("state"),
            stateSince: try row.instant("state_since"),
            stateReason: try row.optionalText("state_reason"),
            partnerKey: try row.optionalBytes("partner_key").map { SealedSecret(bytes: $0) },
            keyLastFour: try row.optionalText("key_last_four"),
            keySavedAt: try row.optionalInstant("key_saved_at"),
            keyVersion: try row.integer("key_version"),
            organizationID: try row.optionalText("organization_id"),
            organizationName: try row.optionalText("organization_name"),
            reportedStatus: try row.optionalText("reported_status"),
            statusReadAt: try row.optionalInstant("status_read_at"),
            mappingLostAt: try row.optionalInstant("mapping_lost_at"))
    }
}

extension VendorCredential: StoredRecord {
    static let table = "vendor_credential"
    static let key = ["partner_id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            partnerID: PartnerID(try row.text("partner_id")), connectorID: try row.text("connector_id"),
            openFields: try row.json("open_fields"), sealedFields: SealedSecret(bytes: try row.bytes("sealed_fields")),
            savedAt: try row.instant("saved_at"))
    }
}
