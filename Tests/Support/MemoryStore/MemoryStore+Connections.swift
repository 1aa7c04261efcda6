import Foundation
import Store

extension MemoryStore {
    public func connection(_ partner: PartnerID) throws(StoreError) -> Connection {
        try access { database throws(StoreError) in try database.connection(partner) }
    }

    @discardableResult
    public func updateConnection(
        _ partner: PartnerID, _ change: @escaping @Sendable (inout Connection) -> Void
    ) throws(StoreError) -> Connection {
        try access { database throws(StoreError) in
            var connection = try database.connection(partner)
            change(&connection)
            connection.partnerID = partner
            let stored = try connection.stored()
            database.connections[partner] = stored
            return stored
        }
    }

    public func vendorCredential(_ partner: PartnerID) throws(StoreError) -> VendorCredential? {
        try access { database throws(StoreError) in database.credentials[partner] }
    }

    public func saveVendorCredential(_ credential: VendorCredential) throws(StoreError) {
        try access { database throws(StoreError) in
            try database.requirePartner(credential.partnerID)
            database.save(credential)
        }
    }

    public func saveConnect(
        connection: Connection, replacing before: Connection, credential: VendorCredential?, job: SyncRun
    ) throws(StoreError) -> RunInsertion? {
        try access { database throws(StoreError) in
            guard try database.connection(connection.partnerID).isUnchanged(since: before) else { return nil }
            if let active = database.activeRun(job.partnerID) { return .alreadyActive(active) }
            let job = try database.insertable(job)
            let connection = try connection.stored()
            if let credential { try database.requirePartner(credential.partnerID) }

            database.connections[connection.partnerID] = connection
            if let credential { database.save(credential) }
            return .inserted(database.insert(job))
        }
    }

    public func forgetKey(_ partner: PartnerID, at instant: Date) throws(StoreError) {
        try access { database throws(StoreError) in
            var connection = try database.connection(partner)
            connection.state = .notConnected
            connection.stateSince = instant.stored
            connection.stateReason = nil
            connection.partnerKey = nil
            connection.keyLastFour = nil
            connection.keySavedAt = nil
            database.connections[partner] = connection
            database.credentials[partner] = nil
        }
    }
}

extension MemoryDatabase {
    fileprivate func connection(_ partner: PartnerID) throws(StoreError) -> Connection {
        guard let connection = connections[partner] else { throw .notFound("partner", partner) }
        return connection
    }

    fileprivate mutating func save(_ credential: VendorCredential) {
        var credential = credential
        credential.savedAt = credential.savedAt.stored
        credentials[credential.partnerID] = credential
    }
}

extension Connection {
    fileprivate func stored() throws(StoreError) -> Connection {
        try StoreError.require((state == .notConnected) == (partnerKey == nil), "a key unless not connected")
        try StoreError.require((partnerKey == nil) == (keyLastFour == nil), "a key has its last four")
        try StoreError.require((partnerKey == nil) == (keySavedAt == nil), "a key was saved at an instant")
        try StoreError.require(reportedStatus == nil || statusReadAt != nil, "a status was read at an instant")
        try StoreError.require(keyVersion >= 0, "a key version is not negative")
        var stored = self
        stored.stateSince = stateSince.stored
        stored.keySavedAt = keySavedAt?.stored
        stored.statusReadAt = statusReadAt?.stored
        stored.mappingLostAt = mappingLostAt?.stored
        return stored
    }
}
