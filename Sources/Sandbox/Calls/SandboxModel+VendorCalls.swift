import HTTPTypes

// V1, V2, S1, S2, S3: the vendor's own record and services.

extension SandboxModel {
    private func organization(_ context: CallContext) -> Organization? { context.caller.map { organizations[$0] } }

    func getVendor(_ context: CallContext) -> SandboxAnswer {
        enveloped(vendor.json(for: organization(context)), message: "Success - Retrieved Vendor")
    }

    mutating func updateVendor(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        let content = try context.content
        var fields = FieldReader(content.isNull ? [:] : content, settings: settings)
        let name = fields.optionalText("name")
        let description = fields.optionalText("description")
        let supportPage = fields.optionalText("vendorSupportPageUrl")
        let portal = fields.optionalText("integrationPortalUrl")
        try fields.check()
        guard name != nil || description != nil || supportPage != nil || portal != nil else {
            throw CallRefusal(
                .badRequest, "one of name, description, vendorSupportPageUrl, integrationPortalUrl must be present")
        }
        vendor.name = name ?? vendor.name
        vendor.description = description ?? vendor.description
        vendor.supportPageURL = supportPage ?? vendor.supportPageURL
        vendor.integrationPortalURL = portal ?? vendor.integrationPortalURL
        vendor.updatedAt = context.now
        return enveloped(vendor.json(for: organization(context)), message: "Success - Updated Vendor")
    }

    /// Answers 201 and the whole vendor, not enveloped (U-14).
    mutating func createService(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        var fields = FieldReader(try context.content, settings: settings)
        var service = VendorService(
            id: identifiers.objectID(at: context.now), name: fields.text("name"), description: fields.text("description"),
            category: fields.word("category", among: ServiceCategory.allCases.map(\.rawValue)),
            subcategory: fields.word("subcategory", among: serviceSubcategories))
        service.supportArticle = fields.optionalText("supportArticle")
        service.supportContact = fields.optionalText("supportContact")
        try fields.check()
        try refuseDuplicate(serviceName: service.name)
        vendor.catalogue.append(service)
        vendor.updatedAt = context.now
        return .json(vendor.json(for: organization(context)), status: .created)
    }

    func getService(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        enveloped(try vendorService(context.parameter).json, message: "Success - Retrieved Service")
    }

    /// Any subset of the fields of S1, JSON or form-encoded, or none at all (U-13).
    mutating func updateService(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        var service = try vendorService(context.parameter)
        let content = try context.content
        var fields = FieldReader(content.isNull ? [:] : content, settings: settings)
        let name = fields.optionalText("name") ?? service.name
        service.description = fields.optionalText("description") ?? service.description
        service.category =
            fields.optionalWord("category", among: ServiceCategory.allCases.map(\.rawValue)) ?? service.category
        service.subcategory = fields.optionalWord("subcategory", among: serviceSubcategories) ?? service.subcategory
        service.supportArticle = fields.optionalText("supportArticle") ?? service.supportArticle
        service.supportContact = fields.optionalText("supportContact") ?? service.supportContact
        try fields.check()
        if WireText(name) != WireText(service.name) { try refuseDuplicate(serviceName: name) }
        service.name = name
        vendor.catalogue.replace(service)
        vendor.updatedAt = context.now
        if settings.emptyServiceUpdateAnswer { return SandboxAnswer(status: .ok) }
        return enveloped(service.json, message: "Success - Updated Service")
    }

    private func vendorService(_ id: String) throws(CallRefusal) -> VendorService {
        guard let service = vendor.catalogue[id] else { throw .simulatedNotFound("No service found with id: \(id)") }
        return service
    }

    /// 409 unless duplicates are allowed (U-37); the names are compared exactly.
    private func refuseDuplicate(serviceName: String) throws(CallRefusal) {
        if !settings.allowDuplicateServices, vendor.catalogue.holds(name: serviceName) {
            throw CallRefusal(.conflict, "A service with this name already exists. (simulated text)")
        }
    }
}
