import Store

extension MemoryStore {
    public func createPartner(_ partner: Partner) throws(StoreError) {
        try access { database throws(StoreError) in
            guard database.partners[partner.id] == nil, database.partnerByReference[partner.vendorReference] == nil
            else { throw .duplicate("such partner") }
            var partner = partner
            partner.createdAt = partner.createdAt.stored
            database.partners[partner.id] = partner
            database.partnerIDs.insertSorted(partner.id.rawValue)
            database.partnerByReference[partner.vendorReference] = partner.id
            database.connections[partner.id] = Connection(partnerID: partner.id, stateSince: partner.createdAt)
        }
    }

    public func partner(_ id: PartnerID) throws(StoreError) -> Partner? {
        try access { database throws(StoreError) in database.partners[id] }
    }

    public func partner(vendorReference: String) throws(StoreError) -> Partner? {
        try access { database throws(StoreError) in
            database.partnerByReference[vendorReference].flatMap { database.partners[$0] }
        }
    }

    public func partners(after cursor: PartnerID?, limit: Int) throws(StoreError) -> [Partner] {
        try access { database throws(StoreError) in
            let start = database.partnerIDs.bisect { $0 <= (cursor?.rawValue ?? "") }
            return database.partnerIDs[start...].prefix(max(0, limit)).compactMap { database.partners[PartnerID($0)] }
        }
    }

    public func updatePartner(_ partner: Partner) throws(StoreError) {
        try access { database throws(StoreError) in
            try database.requirePartner(partner.id)
            database.partners[partner.id]?.name = partner.name
            database.partners[partner.id]?.timeZone = partner.timeZone
        }
    }
}
