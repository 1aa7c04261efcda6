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
        AdminRoute(.post, "/partners/{partnerId}/launch-link", .operator) { call in
            let link = try await LaunchLinks.make(for: call.partnerID, by: call.initiator, call.environment)
            return .answer(LaunchLinkAnswer(url: link.url, expiresAt: link.expiresAt))
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
