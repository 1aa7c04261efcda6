import HTTPServer
import Integration
import Store

extension AdminAPI {
    static let partnerRoutes = [
        AdminRoute(.get, "/partners", .viewer, query: AdminRoute.paging) { call in
            let page = try PageRequest(call.request.query)
            let partners = try await call.desk.partners(after: page.after.map { PartnerID($0) }, limit: page.limitAndOne)
            return .answer(Page(partners, page, key: \.partner.id.rawValue, item: PartnerAnswer.init))
        },
        AdminRoute(.post, "/partners", .operator) { call in
            let body = try await call.body(PartnerBody.self)
            let partner = try await call.desk.createPartner(
                vendorReference: body.vendorReference, name: body.name,
                timeZone: body.timeZone ?? call.environment.settings.defaultTimeZone, by: call.initiator)
            return .answer(
                PartnerAnswer(try await call.desk.overview(partner.id)), status: .created,
                location: "/partners/\(partner.id)")
        },
        AdminRoute(.get, "/partners/{partnerId}", .viewer) { call in
            .answer(PartnerAnswer(try await call.desk.overview(call.partnerID)))
        },
        AdminRoute(.post, "/partners/{partnerId}/launch-link", .operator, takesBody: false) { call in
            let link = try await LaunchLinks.make(for: call.partnerID, by: call.initiator, call.environment)
            return .answer(LaunchLinkAnswer(url: link.url, expiresAt: link.expiresAt))
        },
        // For a laptop that was lost, or a user who left: whoever is signed in as this partner is so no longer (ASVS 7.4.5).
        AdminRoute(.delete, "/partners/{partnerId}/sessions", .operator, takesBody: false) { call in
            let (partner, environment) = (try await call.desk.partner(call.partnerID), call.environment)
            let entry = AuditEntry(
                at: environment.time.now(), actor: call.initiator.actor, action: "sessions.end", partnerID: partner.id,
                address: call.initiator.address, details: "Ended all sign-ins of the partner.")
            try await environment.store.audited(entry) { () async throws(StoreError) in
                try await environment.store.deleteSessions(of: .partner(partner.id))
            }
            return Response(status: .noContent)
        },
    ]
}

private struct PartnerBody: StrictBody {
    var vendorReference: String
    var name: String
    var timeZone: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case vendorReference, name, timeZone
    }
}
