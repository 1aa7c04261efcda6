import Foundation
import Store
import Synthesize

/// A customer in the partner's PSA.
struct ClientAnswer: Encodable, Sendable {
    var id: String
    var name: String

    init(_ client: PSAClient) {
        id = client.id
        name = client.name
    }
}

/// The vendor's record of one of the partner's customers.
struct AccountAnswer: Encodable, Sendable {
    var id: String
    var name: String
    @OrNull var isMapped: Bool?
    var lastSeenAt: Date

    init(_ account: Account) {
        id = account.id
        name = account.name
        isMapped = account.isMapped
        lastSeenAt = account.lastSeenAt
    }
}

/// A thing the vendor sells, as Synthesize holds it for all partners.
struct ServiceAnswer: Encodable, Sendable {
    var id: String
    var name: String
    var description: String
    var category: String
    var subcategory: String
    var isOverridden: Bool
    var lastSeenAt: Date

    init(_ service: Service) {
        id = service.id
        name = service.name
        description = service.description
        category = service.category
        subcategory = service.subcategory
        isOverridden = service.isOverridden
        lastSeenAt = service.lastSeenAt
    }
}
