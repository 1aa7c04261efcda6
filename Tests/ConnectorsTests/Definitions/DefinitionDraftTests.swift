import Testing

@testable import Connectors

@Suite("A first definition, asked for")
struct DefinitionDraftTests {
    /// Answers each question with what is given for it, else with what is usual.
    private func draft(_ answers: [String: String], _ kind: DefinitionDraft.Kind = .definition) -> DefinitionDraft {
        var draft = DefinitionDraft(kind)
        while let question = draft.next {
            let answer = answers[question.key] ?? question.usual ?? "https://api.vendor.example/x"
            guard let problem = draft.answer(question, answer) else { continue }
            Issue.record("\(question.key) \(answer): \(problem)")
            return draft
        }
        return draft
    }

    @Test(
        "Whatever is chosen, the definition is sound", arguments: ["header", "bearer", "basic", "query", "oauth2"],
        ["field", "call", "calls"])
    func sound(_ auth: String, _ usage: String) throws {
        for base in ["ask", "https://api.vendor.example/v1/"] {
            let text = draft(["name": "Größe & \"Söhne\" \\ 24/7", "base": base, "auth": auth, "usage": usage]).text
            _ = try ConnectorDefinition(parsing: Array(text.utf8), file: "draft.yaml")
        }
    }

    @Test("A usage source is sound whatever is chosen, and refused where it is not", arguments: [",", ";", "tab", "|", "json"])
    func usage(_ form: String) throws {
        let isJSON = form == "json"
        var answers = ["name": "Größe & \"Söhne\"", "type": isJSON ? "json" : "csv", "accountId": "Kunden-\"Nr\"", "decimalMark": "comma"]
        answers[isJSON ? "records" : "delimiter"] = isJSON ? "$.usage[*]" : form
        let text = draft(answers, .usage).text
        guard case .usage(let source) = try ConnectorSource(parsing: Array(text.utf8), file: "draft.yaml") else {
            Issue.record("no usage source")
            return
        }
        #expect(source.services.map(\.name) == ["Größe & \"Söhne\" Users"])
        #expect(source.file.decimalMark == .comma && source.file.accountID == "Kunden-\"Nr\"")
        #expect(source.file.kind == (isJSON ? .json(records: "$.usage[*]") : .csv(delimiter: form == "tab" ? "\t" : Character(form))))

        for (key, answer, says) in [("delimiter", "x", "One of"), ("records", "data", "'$'"), ("accountName", "account_id", "same name")] {
            var draft = DefinitionDraft(.usage)
            while let question = draft.next, question.key != key {
                _ = draft.answer(question, question.key == "type" && key == "records" ? "json" : question.usual ?? "Example")
            }
            let problem = draft.answer(try #require(draft.next), answer)
            #expect(problem?.contains(says) == true, "\(problem ?? "was taken")")
        }
    }

    @Test(
        "What the checker would refuse is refused when it is answered",
        arguments: [
            ("id", "My Vendor", "lower-case letters"), ("base", "http://api.vendor.example", "https address"),
            ("base", "vendor.example", "https address"),
            ("base", "https://me:pw@vendor.example", "user name or password"), ("parameter", "X Key", "name of a header"),
            ("customers", "customers", "/v1/customers"), ("customersList", "data", "`records`"),
            ("customersList", "$.data[*]", "one place"),
            ("customerID", "id", "`id`"), ("customerName", "name", "name"), ("usagePath", "/users/${customer.id}", "customer.id"),
            ("usageList", "$[", "`records`"), ("customers", "/c?key=f3a9c1d27b8e4f60a1b2c3d4e5f60718", "secret in clear"),
            ("service", "a\u{1B}b", "One line"),
        ])
    func refused(_ key: String, _ answer: String, _ told: String) throws {
        var draft = DefinitionDraft()
        while let question = draft.next, question.key != key {
            #expect(draft.answer(question, question.usual ?? (question.key == "base" ? "https://api.vendor.example" : "Example")) == nil)
        }
        let question = try #require(draft.next)
        let problem = draft.answer(question, answer)
        #expect(problem?.contains(told) == true, "\(problem ?? "was taken")")
        #expect(draft.next == question)
    }

    @Test(
        "A long or foreign name makes an id that is one",
        arguments: ["Größe & Co.", "9 Lives", "日本", String(repeating: "long name ", count: 9), "A--B"])
    func ids(_ name: String) throws {
        var draft = DefinitionDraft()
        #expect(draft.answer(try #require(draft.next), name) == nil)
        #expect(draft.answer(try #require(draft.next), "") == nil)
    }
}
