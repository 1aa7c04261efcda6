/// `GET /customers`: an array; a single object, or a list wrapped as `customers` or `data`, is accepted too.
struct CustomerList: Decodable {
    let records: [CustomerRecord]

    private enum Key: CodingKey { case customers, data }

    init(from decoder: any Decoder) throws {
        if let list = try decodeList(CustomerRecord.self, decoder, wrappers: [Key.customers, .data]) {
            records = list
        } else {
            records = [try CustomerRecord(from: decoder)]
        }
    }
}

struct CustomerRecord: Decodable {
    /// Nil when the record lacks an id or a name.
    let account: VendorAccount?

    private enum Key: CodingKey { case id, name }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard container.contains(.id) || container.contains(.name) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "neither id nor name: not a customer"))
        }
        let id = try container.decodeIfPresent(TextOrNumber.self, forKey: .id)?.text ?? ""
        let name = try container.decodeIfPresent(String.self, forKey: .name) ?? ""
        account = id.isBlank || name.isBlank ? nil : VendorAccount(id: id, name: name)
    }
}

/// `GET /reports/users`: an array of monitored users; wrapped as `users` or `data` it is accepted too.
struct UserList: Decodable {
    let records: [UserRecord]

    private enum Key: CodingKey { case users, data }

    init(from decoder: any Decoder) throws {
        guard let list = try decodeList(UserRecord.self, decoder, wrappers: [Key.users, .data]),
            // A list in which nobody has the field is of another form than the one described: counting it would
            // report zero users for everyone.
            list.isEmpty || list.contains(where: { $0.isBillable != nil })
        else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "no list of users with isBillable"))
        }
        records = list
    }
}

struct UserRecord: Decodable {
    let isBillable: Bool?
}

/// An id as text; vendors send numbers too.
private struct TextOrNumber: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            text = try container.decode(String.self)
        } catch {
            text = String(try container.decode(Int64.self))
        }
    }
}

/// An array, or an object that holds one under one of `wrappers`; nil for any other object.
private func decodeList<Record: Decodable, Key: CodingKey>(
    _ type: Record.Type, _ decoder: any Decoder, wrappers: [Key]
) throws -> [Record]? {
    let container: KeyedDecodingContainer<Key>
    do {
        container = try decoder.container(keyedBy: Key.self)
    } catch {
        return try [Record](from: decoder)
    }
    for wrapper in wrappers where container.contains(wrapper) {
        return try container.decode([Record].self, forKey: wrapper)
    }
    return nil
}
