import Foundation

// What a partner does inside Synthesize, outside the vendor API (contract section 16).

/// What a partner is handed when it connects.
public struct OrganizationKeys: Sendable, Equatable {
    public let organizationID: String
    public let partnerKey: String
    public let vendorKey: String
    /// The GRADIENT-TOKEN of both keys.
    public var token: String { TokenTable.text(vendorKey: vendorKey, partnerKey: partnerKey) }
}

extension SandboxModel {
    /// Creates a partner with its PSA and a first partner key; the integration starts inactive.
    @discardableResult
    public mutating func createOrganization(
        _ seed: SandboxSeed.OrganizationSeed, at now: Date
    ) -> OrganizationKeys {
        var organization = Organization(
            id: identifiers.objectID(at: now), name: seed.name, integrationID: identifiers.objectID(at: now))
        for name in seed.clients {
            organization.append(PSAClient(id: identifiers.objectID(at: now), name: name))
        }
        for product in seed.products {
            var quantities: [String: Double] = [:]
            for client in organization.clients { quantities[client.id] = product.quantities[client.name] }
            organization.products.append(
                PSAProduct(id: identifiers.objectID(at: now), name: product.name, quantities: quantities))
        }
        append(organization)
        return issueKey(organizations.count - 1, at: now)
    }

    /// Connects or, when a key exists, regenerates it: the old token answers 401 from now on;
    /// accounts, mappings and status stay (contract section 7.2, U-29).
    @discardableResult
    public mutating func generatePartnerKey(organization id: String, at now: Date) throws(SandboxError) -> OrganizationKeys {
        issueKey(try position(ofOrganization: id), at: now)
    }

    private mutating func issueKey(_ position: Int, at now: Date) -> OrganizationKeys {
        revokeToken(position)
        organizations[position].revokeKey(at: now)
        let key = identifiers.uuid()
        organizations[position].partnerKey = PartnerKey(value: key, issuedAt: now)
        tokens.allow(vendorKey: vendor.apiKey, partnerKey: key, organization: position)
        return OrganizationKeys(organizationID: organizations[position].id, partnerKey: key, vendorKey: vendor.apiKey)
    }

    private mutating func revokeToken(_ position: Int) {
        guard let key = organizations[position].partnerKey else { return }
        tokens.revoke(vendorKey: vendor.apiKey, partnerKey: key.value)
    }

    /// Disconnects: see ``Organization/disconnect(at:)``. Vendor-level services stay (U-28).
    public mutating func disconnect(organization id: String, at now: Date) throws(SandboxError) {
        let position = try position(ofOrganization: id)
        revokeToken(position)
        organizations[position].disconnect(at: now)
    }

    /// Ends the mapping wizard, which needs at least one account and one service mapped
    /// (contract section 8). Nothing changes for the vendor.
    public mutating func finishMapping(organization id: String) throws(SandboxError) {
        let position = try position(ofOrganization: id)
        let mappings = organizations[position].mappings
        guard mappings.mappedAccountCount > 0, mappings.mappedServiceCount > 0 else {
            throw SandboxError(.conflict, "Map at least one account and one service before finishing.")
        }
        organizations[position].mappingFinished = true
    }

    /// Shows the billing page's latest counts now, without waiting for the end of a burst.
    public mutating func refreshBilling(organization id: String) throws(SandboxError) {
        let position = try position(ofOrganization: id)
        organizations[position].billing.rebuild(from: organizations[position].counts)
    }
}
