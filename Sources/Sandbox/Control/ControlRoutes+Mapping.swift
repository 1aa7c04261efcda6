import Foundation

extension ControlRoutes {
    /// `{"auto":true}`, `{"all":true}` or `{"accounts":[..],"services":[..]}`, answered with the
    /// organization's state. An element is an id, or an object that says what to map it to:
    /// `{"id","clientId"}`, `{"id","productIds":[..]}`.
    mutating func addMapping() {
        on(.post, "/organizations/{id}/map") { control in
            let change = try MappingRequest(control.body, allowsAuto: true)
            return try control.sandbox.withModel { model, now in
                var changed = model
                try change.map(&changed, control.organization, at: now)
                model = changed
                return model.json(try model.organization(control.organization), at: now)
            }
        }
        for (action, account, service) in [
            ("unmap", SandboxModel.AccountChoice.unmapped, SandboxModel.ServiceChoice.unmapped), ("exclude", .excluded, .excluded),
        ] {
            on(.post, "/organizations/{id}/\(action)") { control in
                let change = try MappingRequest(control.body, allowsAuto: false)
                return try control.changingOrganization { model, control in
                    let organization = try model.organization(control.organization)
                    let accounts = change.all ? organization.accounts.items.map(\.id) : change.accounts.map(\.id)
                    let services =
                        change.all
                        ? organization.mappableServices(vendor: model.vendor).map(\.key) : change.services.map(\.id)
                    try model.map(
                        organization: control.organization, accounts: accounts.map { ($0, account) },
                        services: services.map { ($0, service) })
                }
            }
        }
    }
}

private struct MappingRequest: Sendable {
    var auto = false
    var all = false
    var accounts: [(id: String, client: String?)] = []
    var services: [(id: String, products: [String]?)] = []

    init(_ json: JSONValue, allowsAuto: Bool) throws(SandboxError) {
        auto = allowsAuto && json["auto"]?.bool == true
        all = json["all"]?.bool == true
        for element in json["accounts"]?.elements ?? [] {
            accounts.append((id: try Self.id(element), client: element["clientId"]?.string))
        }
        for element in json["services"]?.elements ?? [] {
            let products = element["productIds"]?.elements?.compactMap(\.string)
            services.append((id: try Self.id(element), products: products))
        }
        guard auto || all || json["accounts"]?.elements != nil || json["services"]?.elements != nil else {
            let auto = allowsAuto ? #"{"auto":true}, "# : ""
            throw SandboxError(.invalid, #"Send \#(auto){"all":true} or {"accounts":[..],"services":[..]}."#)
        }
    }

    private static func id(_ element: JSONValue) throws(SandboxError) -> String {
        guard let id = element.string ?? element["id"]?.string else {
            throw SandboxError(.invalid, "Each account and service must be an id, or an object with one.")
        }
        return id
    }

    func map(_ model: inout SandboxModel, _ organization: String, at now: Date) throws(SandboxError) {
        if auto { try model.mapExactNames(organization: organization) }
        if all { try model.mapEverything(organization: organization, at: now) }
        try model.map(
            organization: organization,
            accounts: accounts.compactMap { entry in entry.client.map { (entry.id, .client($0)) } },
            services: services.compactMap { entry in entry.products.map { (entry.id, .products($0)) } })
        try model.mapOrCreate(
            organization: organization, accounts: accounts.filter { $0.client == nil }.map(\.id),
            services: services.filter { $0.products == nil }.map(\.id), at: now)
    }
}
