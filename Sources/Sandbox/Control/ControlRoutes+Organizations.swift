extension ControlRoutes {
    /// Creating a partner, its key, its end.
    mutating func addOrganizations() {
        on(.post, "/organizations", status: .created) { control in
            let seed = try SandboxSeed.OrganizationSeed(control.body)
            return control.sandbox.withModel { model, now in
                let keys = model.createOrganization(seed, at: now)
                return keys.json(integrationID: model.organizations.last?.integrationID, vendorID: model.vendor.id)
            }
        }
        on(.get, "/organizations/{id}") { control in try control.changingOrganization { _, _ in } }
        // Both are one act of the partner: the first key, or a new one.
        for action in ["regenerate-key", "connect"] {
            on(.post, "/organizations/{id}/\(action)") { control in
                try control.sandbox.withModel { model, now in
                    let keys = try model.generatePartnerKey(organization: control.organization, at: now)
                    let organization = try model.organization(control.organization)
                    return keys.json(integrationID: organization.integrationID, vendorID: model.vendor.id)
                }
            }
        }
        on(.post, "/organizations/{id}/disconnect") { control in
            try control.sandbox.withModel { model, now in
                try model.disconnect(organization: control.organization, at: now)
                return model.json(try model.organization(control.organization), at: now)
            }
        }
    }
}

extension OrganizationKeys {
    fileprivate func json(integrationID: String?, vendorID: String) -> JSONValue {
        [
            "id": .string(organizationID), "integrationId": .optional(integrationID), "vendorId": .string(vendorID),
            "partnerKey": .string(partnerKey), "vendorKey": .string(vendorKey), "token": .string(token),
        ]
    }
}

extension SandboxSeed.OrganizationSeed {
    /// `{"name", "clients":["A"], "products":["P" or {"name", "quantities":{"A":3}}]}`; only the name is needed.
    init(_ json: JSONValue) throws(SandboxError) {
        guard let name = json["name"]?.string, !name.isEmpty else {
            throw SandboxError(.invalid, "An organization needs a name.")
        }
        self.init(name: name)
        clients = try (json["clients"]?.elements ?? []).map { (client) throws(SandboxError) in
            guard let name = client.string else { throw SandboxError(.invalid, "clients must be an array of names.") }
            return name
        }
        products = try (json["products"]?.elements ?? []).map { (product) throws(SandboxError) in
            guard let name = product.string ?? product["name"]?.string else {
                throw SandboxError(.invalid, "Each product must be a name or an object with a name.")
            }
            var quantities: [String: Double] = [:]
            for member in product["quantities"]?.members ?? [] { quantities[member.name] = member.value.double }
            return SandboxSeed.ProductSeed(name: name, quantities: quantities)
        }
    }
}
