import HTTPServer
import HTTPTypes

// A1, A2, A3 and their twins D1, D2, D3: accounts and organisation-level services.

/// Accounts and organisation-level services differ in their names and in what an existing id means.
private struct MappingPropertyKind: Sendable {
    var list: WritableKeyPath<Organization, MappingProperties> & Sendable
    /// How a message names them.
    var name: String
    /// Query field that names ids to fetch.
    var idsField: String
    var isMapped: @Sendable (Organization, MappingProperty) -> Bool

    static let accounts = MappingPropertyKind(
        list: \.accounts, name: "accounts", idsField: "accountIds",
        isMapped: { $0.mappings.client(ofAccount: $1.key) != nil })
    static let services = MappingPropertyKind(
        list: \.services, name: "services", idsField: "serviceIds",
        isMapped: { !$0.mappings.products(ofService: $1.key).isEmpty })
}

extension SandboxModel {
    func getAccounts(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer { try get(.accounts, context) }

    mutating func createAccounts(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        var content = try context.content
        if content.members != nil {
            // A client that creates exactly one account sends it bare (U-5).
            if settings.strictAccountArray { throw CallRefusal(.badRequest, "body must be an array") }
            content = [content]
        }
        return try create(.accounts, content, context, updatesExisting: settings.upsertAccounts)
    }

    mutating func updateAccount(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        try update(.accounts, context)
    }

    func getOrganizationServices(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        try get(.services, context)
    }

    mutating func createOrganizationServices(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        try create(.services, try context.content, context, updatesExisting: false)
    }

    mutating func updateOrganizationService(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        try update(.services, context)
    }

    /// The whole list (U-39), or the named ids, or the mapped ones (U-10).
    private func get(_ kind: MappingPropertyKind, _ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        let organization = organizations[try context.organization]
        var items = organization[keyPath: kind.list].items
        if !settings.hideMappings {
            let query = try context.query
            let ids = Set(query.array(kind.idsField).map(WireText.init))
            if !ids.isEmpty { items = items.filter { ids.contains(WireText($0.id)) } }
            if let returnUnmapped = query["returnUnmapped"]?.lowercased(), ["false", "0"].contains(returnUnmapped) {
                items = items.filter { kind.isMapped(organization, $0) }
            }
        }
        return .json(.array(items.map { json($0, kind, organization) }))
    }

    /// Stores all or, when one id exists, none (U-6).
    private mutating func create(
        _ kind: MappingPropertyKind, _ content: JSONValue, _ context: CallContext, updatesExisting: Bool
    ) throws(CallRefusal) -> SandboxAnswer {
        let position = try context.organization
        guard let elements = content.elements else { throw CallRefusal(.badRequest, "body must be an array") }
        if let limit = settings.maximumBulkSize, elements.count > limit {
            throw CallRefusal(.badRequest, "body must hold at most \(limit) elements")
        }
        var created: [MappingProperty] = []
        var problems: [String] = []
        var seen: Set<WireText> = []
        for (index, element) in elements.enumerated() {
            var fields = FieldReader(element, prefix: "\(kind.name)[\(index)].", settings: settings)
            let id = fields.identifier("id")
            created.append(
                MappingProperty(
                    key: "", id: id, name: fields.text("name"), description: fields.optionalText("description") ?? ""))
            problems += fields.problems
        }
        guard problems.isEmpty else { throw CallRefusal(offending: problems) }
        if !updatesExisting {
            for property in created
            where organizations[position][keyPath: kind.list][property.id] != nil
                || !seen.insert(WireText(property.id)).inserted
            {
                throw .existingID
            }
        }
        let stored = created.map { property in
            if let existing = organizations[position][keyPath: kind.list][property.id] {
                let updated = MappingProperty(
                    key: existing.key, id: existing.id, name: property.name, description: property.description)
                organizations[position][keyPath: kind.list].replace(updated)
                return updated
            }
            let new = MappingProperty(
                key: identifiers.objectID(at: context.now), id: property.id, name: property.name,
                description: property.description)
            organizations[position][keyPath: kind.list].append(new)
            return new
        }
        let organization = organizations[position]
        return .json(.array(stored.map { json($0, kind, organization) }), status: .created)
    }

    /// One or more of id, name and description, JSON or form-encoded. A new id must be free; the
    /// mapping stays (U-38).
    private mutating func update(_ kind: MappingPropertyKind, _ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        let position = try context.organization
        guard var property = organizations[position][keyPath: kind.list][context.parameter] else {
            throw .simulatedNotFound("No \(kind.name.dropLast()) found with id: \(context.parameter)")
        }
        let content = try context.content
        var fields = FieldReader(content.isNull ? [:] : content, settings: settings)
        let id = fields.optionalIdentifier("id")
        let name = fields.optionalText("name")
        let description = fields.optionalText("description")
        try fields.check()
        guard id != nil || name != nil || description != nil else {
            throw CallRefusal(.badRequest, "one of id, name, description must be present")
        }
        if let id, WireText(id) != WireText(property.id) {
            guard organizations[position][keyPath: kind.list][id] == nil else { throw .existingID }
            property.id = id
        }
        property.name = name ?? property.name
        property.description = description ?? property.description
        organizations[position][keyPath: kind.list].replace(property)
        return .json(json(property, kind, organizations[position]))
    }

    /// Only `id`, never `_id` (U-7); `isMapped` unless an older server is played (U-10).
    private func json(
        _ property: MappingProperty, _ kind: MappingPropertyKind, _ organization: Organization
    ) -> JSONValue {
        .object(present: [
            "id": .string(property.id), "name": .string(property.name), "description": .string(property.description),
            "isMapped": settings.hideMappings ? nil : .bool(kind.isMapped(organization, property)),
        ])
    }
}

extension FormFields {
    /// The values of an array parameter, written `name=a&name=b` or `name[]=a&name[]=b`
    /// (contract section 14). Empty values count as none.
    func array(_ name: String) -> [String] {
        pairs.filter { ($0.name == name || $0.name.hasPrefix("\(name)[")) && !$0.value.isEmpty }.map(\.value)
    }
}
