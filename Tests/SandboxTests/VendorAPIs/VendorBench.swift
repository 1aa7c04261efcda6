import Foundation
import HTTPTypes

@testable import Sandbox

/// A sandbox of which one simulated vendor API is asked.
struct VendorBench {
    var desk = Desk()
    let name: String
    /// Sent with every request.
    var headers: [String: String] = [:]

    init(_ name: String, headers: [String: String] = [:], configuration: String? = nil) throws {
        self.name = name
        self.headers = headers
        if let configuration { try configure(configuration) }
    }

    mutating func configure(_ json: String) throws {
        let position = desk.model.vendorAPIs.firstIndex { $0.name == name }!
        try desk.model.vendorAPIs[position].configure(try JSONParser.parse(Array(json.utf8)))
    }

    var meter: RequestMeter { desk.model.vendorAPIs.first { $0.name == name }!.requests }

    mutating func get(_ path: String) -> Desk.Reply { desk.send(.get, "/\(name)\(path)", headers: headers) }

    mutating func post(_ path: String, _ body: String, type: String = "application/json") -> Desk.Reply {
        desk.send(.post, "/\(name)\(path)", body, type: type, headers: headers)
    }

    /// Asks for a token with a form and sends it from then on.
    mutating func signIn(_ path: String, _ form: String) -> Desk.Reply {
        let reply = post(path, form, type: "application/x-www-form-urlencoded")
        if let token = reply.json["access_token"]?.string { headers["Authorization"] = "Bearer \(token)" }
        return reply
    }
}

extension JSONValue {
    /// A member of each element.
    func each(_ name: String) -> [JSONValue?] { (elements ?? []).map { $0[name] } }
}
