import Foundation
import HTTPTypes
import Store
import Testing

@testable import Portal

@Suite("Names that are entered")
struct NameEntryTests {
    /// Each place where an operator or a vendor's system enters what people read, with the field that is at fault.
    static let places: [(HTTPRequest.Method, String, String, String)] = [
        (.post, "/partners", #"{"vendorReference":"v%","name":"New"}"#, "vendorReference"),
        (.post, "/partners", #"{"vendorReference":"v","name":"a%b"}"#, "name"),
        (.post, "/operators", #"{"name":"a%b","role":"viewer"}"#, "name"),
        (.patch, "/partners/{id}/accounts/a-1", #"{"name":"a%b"}"#, "name"),
        (.patch, "/partners/{id}/accounts/a-1", #"{"id":"a%b"}"#, "id"),
        (.patch, "/partners/{id}/accounts/a-1", #"{"description":"a%b"}"#, "description"),
        (.patch, "/services/s-1", #"{"name":"a%b"}"#, "name"), (.patch, "/services/s-1", #"{"description":"a%b"}"#, "description"),
        (.patch, "/services/s-1", #"{"supportArticle":"a%b"}"#, "supportArticle"),
        (.patch, "/services/s-1", #"{"supportContact":"a%b"}"#, "supportContact"),
        (.post, "/partners/{id}/alerts", #"{"accountId":"a-1","title":"a%b","description":"d"}"#, "title"),
        (.post, "/partners/{id}/alerts", #"{"accountId":"a-1","title":"t","description":"a%b"}"#, "description"),
        (.post, "/partners/{id}/alerts", #"{"accountId":"a%b","title":"t","description":"d"}"#, "accountId"),
        (.post, "/partners/{id}/alerts", #"{"alertId":"a%b","accountId":"a-1","title":"t","description":"d"}"#, "alertId"),
    ]

    @Test("are refused with the character that nobody sees or that turns the text, and nothing is changed or asked for")
    func everywhere() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let before = try await office.store.dump()
            let sent = office.synthesize.requests
            for (method, path, body, field) in Self.places {
                for (escaped, called) in [(#"\u202e"#, "U+202E"), (#"\u200b"#, "U+200B"), (#"\u00ad"#, "U+00AD"), (#"\ufeff"#, "U+FEFF")] {
                    let answer = try await office.call(
                        method, path.replacing("{id}", with: partner.id.rawValue), json: body.replacing("%", with: escaped + "x"))
                    let atTheEnd = try await office.call(
                        method, path.replacing("{id}", with: partner.id.rawValue),
                        json: body.replacing("a%b", with: "a%").replacing("%", with: escaped))
                    #expect(answer.status == 400 && atTheEnd.status == 400, "\(path) \(field) \(escaped)")
                    #expect(try answer.json.field.string == field)
                    #expect(try answer.json.detail.string?.contains("holds the character \(called)") == true, "\(answer.text)")
                }
            }
            #expect(try await office.store.dump() == before)
            #expect(office.synthesize.requests == sent)
        }
    }
}
