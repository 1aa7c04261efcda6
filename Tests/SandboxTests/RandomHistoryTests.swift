import Foundation
import HTTPTypes
import Testing

@testable import Sandbox

/// Thousands of random calls, partner actions, settings and faults. Every answer must have the form the
/// contract gives it, and the records must agree with each other after each step.
@Suite("Random histories")
struct RandomHistoryTests {
    static let ids = ["1", "2", "a/b", "a b", "\u{E9}", "e\u{301}", "", "x+y", "👩‍👩‍👧"]
    static let names = ["Acme", "Globex", "Seats", "", "acme"]

    static let bodies = [
        nil, "", "{}", "[]", "{", "null", "7", #"{"name":"Acme"}"#, #"{"id":"1","name":"Acme"}"#, #"[{"id":"2","name":"Globex"}]"#,
        #"[{"id":"a/b","name":"Seats"},{"id":"a b","name":"x"}]"#, #"[{"id":"1","name":"Acme"},{"id":null}]"#, #"{"id":"2"}"#,
        #"{"name":"Seats","description":"d","category":"other","subcategory":"other"}"#,
        #"{"name":"Globex","description":"d","category":"Other","subcategory":"x"}"#, #"{"accountId":"1","unitCount":3}"#,
        #"{"accountId":"2","unitCount":-3}"#, #"{"accountId":"a/b","unitCount":0.5}"#, #"{"clientOid":"1","unitCount":1}"#,
        #"{"title":"t","description":"d","alertId":"a"}"#, #"{"title":"t","description":"d","alertId":"b","priority":9}"#, "name=Acme&id=1",
    ]

    @Test("every answer is well formed, every record consistent", arguments: [11, 12, 13, 14] as [UInt64])
    func history(seed: UInt64) throws {
        var random = SeededRandom(state: seed)
        var desk = Desk()
        desk.model.createOrganization(.init(name: "Other", clients: Self.names), at: desk.now)
        for step in 0..<1500 {
            desk.wait(seconds: Double.random(in: 0...0.05, using: &random))
            switch Int.random(in: 0..<20, using: &random) {
            case 0: try act(&desk, &random)
            case 1:
                let setting = try #require(SandboxSettings.switches.randomElement(using: &random))
                desk.model.settings[keyPath: setting.path].toggle()
            default: call(&desk, &random, "seed \(seed), step \(step)")
            }
            try checkRecords(desk.model, "seed \(seed), step \(step)")
        }
        #expect(try JSONParser.parse(desk.model.state(at: desk.now)) == desk.model.stateJSON(at: desk.now))
        #expect(desk.model.requests.byStatus.keys.count >= 5, "seed \(seed): the history is varied")
    }

    private func call(_ desk: inout Desk, _ random: inout SeededRandom, _ place: Comment) {
        let services = desk.model.vendor.services.map(\.id) + Self.ids
        func any(_ list: [String]) -> String {
            let text = list.randomElement(using: &random) ?? ""
            return text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        }
        let message = desk.model.organizations.randomElement(using: &random)?.alerts.alerts.last?.messageID ?? "none"
        let path =
            [
                "", "/service", "/service/\(any(services))", "/service/\(any(services))/count",
                "/service/\(any(services))/count?no_build=True",
                "/organization", "/organization/status/\(any(["pending", "active", "disabled", "Active"]))",
                "/organization/clients?search=a",
                "/organization/accounts", "/organization/accounts?returnUnmapped=false&accountIds[]=\(any(Self.ids))",
                "/organization/accounts/\(any(Self.ids))", "/organization/services", "/organization/services/\(any(Self.ids))",
                "/alerting/\(any(Self.ids))", "/alerting/debug/\(message)", "/nowhere", "/organization/accounts/%zz",
            ].randomElement(using: &random) ?? ""
        let method = [HTTPRequest.Method.get, .post, .patch, .post].randomElement(using: &random) ?? .get
        let body = Self.bodies.randomElement(using: &random) ?? nil
        let reply = desk.call(method, path, body, type: body?.hasPrefix("name=") == true ? QuirkTests.form : "application/json")
        guard reply.answer.delivery == .complete else { return }
        if reply.status < 300 {
            #expect([200, 201].contains(reply.status), place)
            #expect(reply.text.isEmpty || reply.json != .null, place)
        } else {
            #expect([400, 401, 403, 404, 409, 429].contains(reply.status), place)
            #expect(reply.json.members?.map(\.name) == ["statusCode", "message"], place)
            #expect(reply.json["statusCode"]?.integer == reply.status, place)
        }
    }

    private func act(_ desk: inout Desk, _ random: inout SeededRandom) throws {
        let organization = try #require(desk.model.organizations.randomElement(using: &random))
        let id = organization.id
        let account = Self.ids.randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<7, using: &random) {
        case 0: try desk.model.disconnect(organization: id, at: desk.now)
        case 1: desk.keys = try desk.model.generatePartnerKey(organization: id, at: desk.now)
        case 2: try desk.model.mapExactNames(organization: id)
        case 3: try desk.model.mapEverything(organization: id, at: desk.now)
        case 4: try? desk.model.map(organization: id, accounts: [(account, .excluded)])
        case 5:
            let client = organization.clients.randomElement(using: &random)?.id ?? "none"
            try? desk.model.map(organization: id, accounts: [(account, .client(client))])
        default:
            desk.model.setFaults([
                Fault(path: "/", times: 2, effect: [.drop, .acceptAndDrop, .half, .none].randomElement(using: &random) ?? .none)
            ])
        }
    }

    private func checkRecords(_ model: SandboxModel, _ place: Comment) throws {
        for organization in model.organizations {
            let accounts = organization.accounts.items
            #expect(Set(accounts.map { WireText($0.id) }).count == accounts.count, place)
            for account in accounts {
                #expect(organization.accounts[account.id] == account, place)
                #expect(organization.accounts.withKey(account.key) == account, place)
            }
            let keys = Set(accounts.map(\.key))
            var clients: Set<String> = []
            for (key, mapping) in organization.mappings.accounts {
                #expect(keys.contains(key), place)
                guard case .client(let client) = mapping else { continue }
                #expect(clients.insert(client).inserted, "one to one: \(place)")
                #expect(organization.mappings.account(ofClient: client) == key, place)
                #expect(organization.client(client) != nil, place)
            }
            #expect(organization.mappings.mappedAccountCount == clients.count, place)
            for (key, count) in organization.counts {
                #expect(keys.contains(key.accountKey), place)
                #expect(count.value >= 0 && count.times >= 1, place)
            }
            if organization.partnerKey == nil { #expect(organization.status == .inactive && accounts.isEmpty, place) }
        }
    }
}
