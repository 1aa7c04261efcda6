import Store

extension MemoryStore {
    public func accounts(_ partner: PartnerID) throws(StoreError) -> [Account] {
        try access { database throws(StoreError) in database.accounts[partner] ?? [] }
    }

    public func replaceAccounts(_ partner: PartnerID, _ accounts: [Account]) throws(StoreError) {
        try access { database throws(StoreError) in
            if !accounts.isEmpty { try database.requirePartner(partner) }
            guard Set(accounts.map(\.id)).count == accounts.count else { throw .duplicate("such account") }
            database.accounts[partner] = accounts.map { account in
                var account = account
                account.partnerID = partner
                account.lastSeenAt = account.lastSeenAt.stored
                return account
            }.sorted { $0.id < $1.id }
        }
    }

    public func forgetAccounts(_ partner: PartnerID) throws(StoreError) {
        try access { database throws(StoreError) in
            database.accounts[partner] = nil
            database.lastCounts[partner] = nil
        }
    }

    public func services() throws(StoreError) -> [Service] {
        try access { database throws(StoreError) in database.services.values.sorted { $0.id < $1.id } }
    }

    public func saveServices(_ services: [Service]) throws(StoreError) {
        try access { database throws(StoreError) in
            for var service in services {
                service.lastSeenAt = service.lastSeenAt.stored
                database.services[service.id] = service
            }
        }
    }
}
