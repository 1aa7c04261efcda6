import Foundation
import Testing

@testable import Connectors

@Suite("Definitions as they are read")
struct DefinitionReadingTests {
    private func problems(_ text: String) -> [String] {
        do {
            _ = try ConnectorDefinition(parsing: Array(text.utf8), file: "f.yaml")
            return []
        } catch {
            return error.problems.map { "\($0.line): \($0.message)" }
        }
    }

    private func problems(_ change: (inout SmallDefinition) -> Void) -> [String] {
        var small = SmallDefinition()
        change(&small)
        return problems(small.text)
    }

    @Test("The built-in definitions are sound", arguments: BuiltinDefinitions.ids)
    func builtin(_ id: String) throws {
        let definition = try #require(try BuiltinDefinitions.definition(id))
        #expect(definition.id == id)
        #expect(!definition.sources.isEmpty)
    }

    @Test("The small definition of these tests is sound")
    func small() {
        #expect(problems { _ in } == [])
    }

    /// One change, and what is said about it: a fragment with its line.
    struct Mistake: Sendable, CustomTestStringConvertible {
        var name: String
        var change: @Sendable (inout SmallDefinition) -> Void
        var expected: [String]
        var testDescription: String { name }

        init(_ name: String, _ expected: String..., change: @escaping @Sendable (inout SmallDefinition) -> Void) {
            (self.name, self.change, self.expected) = (name, change, expected)
        }
    }

    static let mistakes: [Mistake] = [
        Mistake("unknown key at the top", "23: the definition has no key `readz`. Did you mean `reads`?") { $0.more = "readz: 1" },
        Mistake("unknown key in a read", "17: the read `seats` has no key `recordz`. Did you mean `records`?") {
            $0.reads =
                "  customers: {get: /customers, records: $, paging: none}\n  seats: {get: /seats, records: $, recordz: $, paging: none}"
        },
        Mistake(
            "unknown setting in a template", "12: the header `X-Key`: `${apiKee}` is not a setting or constant", "Did you mean `${apiKey}`?"
        ) {
            $0.auth = "headers: {X-Key: \"${apiKee}\"}"
        },
        Mistake("secret in clear in a header", "12: `X-Key` is a secret in clear.") { $0.auth = "headers: {X-Key: abc}" },
        Mistake("secret in clear in the password", "12: `password` is a secret in clear.") {
            $0.auth = "basic: {user: me, password: pass}"
        },
        Mistake("secret in clear in a query", "looks like a secret in clear") {
            $0.reads =
                "  customers: {get: /customers, query: {api_key: abc}, records: $, paging: none}\n  seats: {get: /seats, records: $, paging: none}"
        },
        Mistake("secret in clear by its looks", "looks like a secret in clear") {
            $0.requests = "base: https://vendor.example/v1\nheaders: {X-Partner: f3a9c1d27b8e4f60a1b2c3d4e5f60718}"
        },
        Mistake("secret in clear in an address", "seems to hold a secret in clear") {
            $0.requests = "base: https://vendor.example/f3a9c1d27b8e4f60a1b2c3d4e5f60718"
        },
        Mistake("default of a secret", "A secret has no default") {
            $0.settings = "  partner:\n    apiKey: {kind: secret, label: Key, help: Anywhere., default: abc}"
        },
        Mistake("path without its dollar", "`sum` is the fixed text `seats`. A path begins with `$`: is `$.seats` what is meant?") {
            $0.counts = "  - {from: seats, service: Seats, account: $.customer, count: {sum: seats}}"
        },
        Mistake("service that is not in the catalogue", "22: `service`: there is no service `Seatz`. Did you mean `Seats`?") {
            $0.counts = "  - {from: seats, service: Seatz, account: $.customer}"
        },
        Mistake("service that nothing counts for", "21: No rule of `counts` counts for the service `Idle`") {
            $0.services += "\n  - {name: Idle, description: Idle, category: other, subcategory: other, basis: seats}"
        },
        Mistake("service twice", "There are two services `seats`") {
            $0.services += "\n  - {name: seats, description: Idle, category: other, subcategory: other, basis: seats}"
        },
        Mistake(
            "category that Gradient does not know", "`category` is `Security`, which Gradient does not know. Did you mean `security`?"
        ) {
            $0.services = "  - {name: Seats, description: Seats, category: Security, subcategory: other, basis: seats}"
        },
        Mistake("subcategory shortened", "Did you mean `endpoint detection and response (EDR)`?") {
            $0.services = "  - {name: Seats, description: Seats, category: security, subcategory: EDR, basis: seats}"
        },
        Mistake("no paging", "17: the read `seats` has no `paging`") {
            $0.reads = "  customers: {get: /customers, records: $, paging: none}\n  seats: {get: /seats, records: $}"
        },
        Mistake("paging without stop and cap", "paging has no `stop`", "paging has no `cap`") {
            $0.reads =
                "  customers: {get: /customers, records: $, paging: none}\n  seats: {get: /seats, records: $, paging: {by: page, parameter: p}}"
        },
        Mistake("short page without a size", "so `size` has to say how many") {
            $0.reads =
                "  customers: {get: /customers, records: $, paging: none}\n  seats: {get: /seats, records: $, paging: {by: page, parameter: p, stop: [shortPage], cap: 9}}"
        },
        Mistake("cursor that does not stop at its end", "has to stop at noNext") {
            $0.reads =
                "  customers: {get: /customers, records: $, paging: none}\n  seats: {get: /seats, records: $, paging: {by: cursor, parameter: p, next: $.c, stop: [emptyPage], cap: 9}}"
        },
        Mistake("unknown read", "22: `from`: there is no read `seat`. Did you mean `seats`?") {
            $0.counts = "  - {from: seat, service: Seats, account: $.customer}"
        },
        Mistake("read that nobody uses", "18: The read `more` is used by no account") {
            $0.reads += "\n  more: {get: /more, records: $, paging: none}"
        },
        Mistake("rule without an account", "a rule of counts has no `account`") { $0.counts = "  - {from: seats, service: Seats}" },
        Mistake("account's id that is put together", "`id`") { $0.accounts = "{from: customers, id: \"${$.a}-${$.b}\", name: $.name}" },
        Mistake("path to many", "has to lead to one place") { $0.accounts = "{from: customers, id: \"$.ids[*]\", name: $.name}" },
        Mistake("host with a scheme", "`hosts` holds `https://vendor.example`") { $0.hosts = "[https://vendor.example]" },
        Mistake("host of a setting that is no address", "has to be a setting of kind url") { $0.hosts = "[\"${apiKey}\"]" },
        Mistake("base without encryption", "has to begin as an https address does") { $0.requests = "base: http://vendor.example" },
        Mistake("address with a password in it", "holds a user name or password") { $0.requests = "base: https://me:pw@vendor.example" },
        Mistake("account outside a read for accounts", "only known in a read with `for: accounts`") {
            $0.reads =
                "  customers: {get: \"/customers/${account.id}\", records: $, paging: none}\n  seats: {get: /seats, records: $, paging: none}"
        },
        Mistake("computed from itself", "is computed from itself") {
            $0.services =
                "  - {name: Seats, description: Seats, category: other, subcategory: other, basis: seats, computed: {sum: [Seats]}}"
        },
        Mistake("no such basis", "there is no basis `seat`. Did you mean `seats`?") {
            $0.services = "  - {name: Seats, description: Seats, category: other, subcategory: other, basis: seat}"
        },
        Mistake("no regular expression", "which is no regular expression") {
            $0.counts = "  - {from: seats, service: Seats, account: $.customer, where: [{field: $.a, matches: \"(\"}]}"
        },
        Mistake("condition without a test", "needs one of `is`") {
            $0.counts = "  - {from: seats, service: Seats, account: $.customer, where: [{field: $.a}]}"
        },
        Mistake("secret in a name", "the secret `apiKey` may only stand in requests") {
            $0.accounts = "{from: customers, id: $.id, name: \"${apiKey}\"}"
        },
        Mistake("word misspelt", "`by` is `pages`, and has to be one of `page`") {
            $0.reads =
                "  customers: {get: /customers, records: $, paging: none}\n  seats: {get: /seats, records: $, paging: {by: pages, stop: [emptyPage], cap: 9}}"
        },
        Mistake("number out of range", "`perSecond` has to be a number from 0.1 to 1000.0") {
            $0.requests = "base: https://vendor.example/v1\nperSecond: 0"
        },
        Mistake("boolean in words", "`discover` has to be true or false, and is `yes`") {
            $0.counts = "  - {from: seats, service: {value: $.a, discover: yes}, account: $.customer}"
        },
        Mistake("reads that need each other", "These reads need each other: `a`, `b`") {
            $0.reads +=
                "\n  a: {get: /a, records: $, paging: none, join: [{read: b, on: $.x, key: $.x, as: b}]}\n  b: {get: /b, records: $, paging: none, join: [{read: a, on: $.x, key: $.x, as: a}]}"
        },
        Mistake("discovery without limits", "`discover: true` needs `discovered` at the top") {
            $0.counts += "\n  - {from: seats, service: {value: $.a, discover: true}, account: $.customer}"
        },
    ]

    @Test("A mistake is named with its line and what was expected", arguments: mistakes)
    func mistake(_ mistake: Mistake) {
        let found = problems(mistake.change)
        for fragment in mistake.expected {
            #expect(found.contains { $0.contains(fragment) }, "\(found)")
        }
    }

    @Test("Several mistakes are told at once, in the order of their lines")
    func several() {
        let found = problems {
            $0.requests = "base: http://vendor.example"
            $0.accounts = "{from: customer, id: $.id, name: $.name, wher: []}"
            $0.counts = "  - {from: seats, service: Seatz, account: $.customer}"
        }
        let lines = found.compactMap { Int($0.prefix { $0.isNumber }) }
        #expect(found.count == 4, "\(found)")
        #expect(lines == lines.sorted())
    }

    // MARK: YAML itself

    @Test("A key that stands twice is refused")
    func twice() {
        let found = problems { $0.more = "format: 1" }
        #expect(found.count == 1)
        #expect(found.first?.contains("`format` stands here twice") == true, "\(found)")
    }

    @Test("Aliases are refused before they can grow", .timeLimit(.minutes(3)))
    func bomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 { text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n" }
        text += "? *a30\n: x\n? *a29\n: x\n"
        let found = problems(text)
        #expect(found.count == 1)
        #expect(found.first?.contains("Anchors and aliases") == true, "\(found)")
    }

    @Test("A star and an ampersand in a text are no alias")
    func stars() {
        #expect(problems { $0.settings = "  partner:\n    apiKey: {kind: secret, label: Key, help: \"R&D and *more*.\"}" } == [])
    }

    @Test(
        "What is no definition at all", arguments: ["", "[]", "x", "- a", "a: [", "{", "a: b: c", "\u{0}", "a: 1\n---\nb: 2", "!!binary x"])
    func noDefinition(_ text: String) {
        #expect(!problems(text).isEmpty)
    }

    @Test("Bytes that are no text name their line")
    func noText() {
        let error = #expect(throws: DefinitionError.self) {
            try ConnectorDefinition(parsing: Array("a: 1\nb: ".utf8) + [0xFF, 0xFE] + Array("\nc: 1".utf8), file: "f.yaml")
        }
        #expect(error?.description == "f.yaml:2: The file is not UTF-8 text.")
    }

    @Test("A huge file is refused unread")
    func huge() {
        let error = #expect(throws: DefinitionError.self) {
            try ConnectorDefinition(parsing: [UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 20), file: "f.yaml")
        }
        #expect(error?.description.contains("1048576 bytes") == true)
    }

    @Test("Deep nesting is refused", arguments: [33, 900, 5000])
    func deep(_ depth: Int) {
        #expect(!problems(String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).isEmpty)
    }

    @Test("Words of older YAML stay words", arguments: ["yes", "no", "on", "off", "NO", "0x10", "1_000", "2026-01-01", "=", "<<"])
    func words(_ text: String) {
        #expect(ScalarKind(text, isQuoted: false) == .text(text))
    }

    // MARK: Templates

    @Test("A template is taken apart, and put together again")
    func template() throws {
        let text = "a/${key}/${account.$['x}y']}/${each.a}${date.d}-${lookup.l}${token}${$.a.b} $${no} $ ${account.id}"
        let template = try Template(text)
        #expect(template.names.count == 8)
        #expect(template.shown == text.replacing("$${", with: "${"))
    }

    @Test("What is no template", arguments: ["${", "${}", "${a b}", "${a", "${$.[}", "${a-b}", "${'}"])
    func noTemplate(_ text: String) {
        #expect(throws: Template.Problem.self) { try Template(text) }
    }

    @Test(
        "Names of the environment",
        arguments: [("apiKey", "API_KEY"), ("saas-alerts-keyHeader", "SAAS_ALERTS_KEY_HEADER"), ("apiURL", "API_URL"), ("a1B", "A1_B")])
    func environment(_ name: String, _ expected: String) {
        #expect(name.environmentName == expected)
    }
}
