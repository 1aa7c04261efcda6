import Testing

@testable import Connectors

/// What a definition may not say although every word of it is known: it would be read wrongly, or do harm, once it runs.
@Suite("Definitions that would do something else than they say")
struct CheckingTests {
    private func problems(_ change: (inout SmallDefinition) -> Void) -> [String] {
        var small = SmallDefinition()
        change(&small)
        do {
            _ = try small.definition()
            return []
        } catch let error as DefinitionError {
            return error.problems.map { "\($0.line): \($0.message)" }
        } catch {
            return ["\(error)"]
        }
    }

    private func expect(
        _ fragment: String, sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout SmallDefinition) -> Void
    ) {
        let found = problems(change)
        #expect(found.contains { $0.contains(fragment) }, "\(found)", sourceLocation: sourceLocation)
    }

    /// The usual customers, and another read of seats.
    private static func reads(_ seats: String) -> String {
        "  customers: {get: /customers, records: $, paging: none}\n  seats: {\(seats)}"
    }

    // MARK: What is looked for where the records were

    @Test(
        "Paging looks at the answer without its records, so nothing within them can say when to stop",
        arguments: [
            ("{by: cursor, parameter: c, next: \"$.data[0].next\", stop: [noNext], cap: 5}", "`next` is `$.data[0].next`"),
            ("{by: nextURL, next: \"$.data.next\", stop: [noNext], cap: 5}", "`next` is `$.data.next`"),
            ("{by: page, parameter: p, stop: [{total: \"$.data[0].total\"}], cap: 5}", "`total` is `$.data[0].total`"),
            ("{by: page, parameter: p, stop: [{pages: $.data}], cap: 5}", "`pages` is `$.data`"),
            ("{by: page, parameter: p, stop: [{more: \"$['data'][-1].more\"}], cap: 5}", "`more` is `$['data'][-1].more`"),
        ])
    func pagingWithinRecords(_ paging: String, _ message: String) {
        expect("17: \(message), which lies within the records (`$.data`)") {
            $0.reads = Self.reads("get: /seats, records: $.data, paging: \(paging)")
        }
    }

    @Test("Of several places of records the whole answer is kept, so there it works")
    func pagingBesideRecords() {
        #expect(
            problems {
                $0.reads = Self.reads(
                    "get: /seats, records: [$.data, $.list], paging: {by: cursor, parameter: c, next: \"$.data[0].next\", stop: [noNext], cap: 5}"
                )
            } == [])
    }

    @Test("failWhen looks at the answer without its records too")
    func failWhenWithinRecords() {
        for field in ["$.data[0].error", "${$.data[0].code}"] {
            expect("11: `failWhen` looks at `$.data[0].") {
                $0.requests += "\nfailWhen: [{field: \"\(field)\", present: true}]"
                $0.reads = Self.reads("get: /seats, records: $.data, paging: none")
            }
        }
        expect("11: `failWhen` looks at `$[0].message`, which lies within the records of the read `customers` (`$`)") {
            $0.requests += "\nfailWhen: [{any: [{field: $.error, present: true}], message: \"$[0].message\"}]"
        }
        #expect(problems { $0.requests += "\nfailWhen: [{field: $.error, present: true, message: $.error.message}]" } == [])
    }

    // MARK: Numbers

    @Test("What means nothing is refused")
    func meaningless() {
        expect("23: `number` means nothing where records are counted") {
            $0.counts = "  - {from: seats, service: Seats, account: $.customer,\n     number: {bytes: GB}}"
        }
        expect("`missing` means nothing where records are counted") {
            $0.counts = "  - {from: seats, service: Seats, account: $.customer, count: records, missing: zero}"
        }
        expect("`number` means nothing where different values are counted") {
            $0.counts = "  - {from: seats, service: Seats, account: $.customer, count: {distinct: $.user}, number: {comma: true}}"
        }
    }

    // MARK: Secrets

    @Test("A constant is no place for a secret, and no proof of who asks")
    func constants() {
        for secret in [
            "sk_live_51H8abcdefghijklmnop", "ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", "AKIAIOSFODNN7EXAMPLE",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijk",
        ] {
            expect("23: The constant `k` looks like a secret in clear") { $0.more = "constants: {k: \(secret)}" }
        }
        for name in ["apiKey2", "password", "clientSecret", "accessToken"] {
            expect("The constant `\(name)` is named like a secret") { $0.more = "constants: {\(name): abc}" }
        }
        for auth in [
            "headers: {X-Key: \"${k}\"}", "bearer: ${k}", "query: {key: \"${k}\"}", "basic: {user: me, password: \"${k}\"}",
            "oauth2: {grant: clientCredentials, url: \"https://vendor.example/t\", clientId: me, clientSecret: \"${k}\"}",
        ] {
            expect("12: ") {
                $0.auth = auth
                $0.more = "constants: {k: hunter2secret}"
            }
        }
        expect("looks like a secret in clear") {
            $0.reads = Self.reads("get: /seats, headers: {X-Api-Key: \"${k}\"}, records: $, paging: none")
            $0.more = "constants: {k: hunter2}"
        }
    }

    @Test(
        "What proves who asks is a setting of kind secret",
        arguments: [
            "headers: {X-Key: \"${apiKey}\"}", "headers: {Authorization: \"Token ${apiKey}\"}", "bearer: ${apiKey}",
            "query: {access_token: \"${apiKey}\"}", "basic: {user: me, password: \"${apiKey}\"}", "headers: {X-Who: \"${apiKey}\"}",
            "oauth2: {grant: clientCredentials, url: \"https://vendor.example/t\", clientId: me, clientSecret: \"${apiKey}\"}",
            "token: {post: \"https://vendor.example/t\", json: {password: \"${apiKey}\"}, value: $.t}\nbearer: ${token}",
        ])
    func openKeys(_ auth: String) {
        expect("of kind secret") {
            $0.settings = "  partner:\n    apiKey: {label: Key, help: Anywhere.}"
            $0.auth = auth
        }
    }

    // MARK: Names in the environment

    @Test(
        "A setting takes no name that the system or Perch uses",
        arguments: [
            "PATH", "HOME", "USER", "SHELL", "LANG", "TMPDIR", "LD_PRELOAD", "LD_LIBRARY_PATH", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE",
            "VENDOR_API_KEY", "PARTNER_API_KEY", "PERCH_PORT", "1KEY",
        ])
    func environment(_ name: String) {
        expect("8: `environment` is `\(name)`") {
            $0.settings =
                "  partner:\n    apiKey: {kind: secret, label: Key, help: Anywhere.}\n    other: {label: O, help: O., environment: \(name)}"
        }
    }

    @Test("Names made of the setting's own are looked at too, and none comes twice")
    func impliedEnvironment() {
        for (name, made) in [("path", "PATH"), ("home", "HOME"), ("perchKey", "PERCH_KEY"), ("vendorApiKey", "VENDOR_API_KEY")] {
            expect("8: `environment` is `\(made)`") {
                $0.settings = "  partner:\n    apiKey: {kind: secret, label: Key, help: Anywhere.}\n    \(name): {label: O, help: O.}"
            }
        }
        expect("8: The settings `apiKey` and `other` have the same name in the environment, `API_KEY`") {
            $0.settings =
                "  partner:\n    apiKey: {kind: secret, label: Key, help: Anywhere.}\n    other: {label: O, help: O., environment: API_KEY}"
        }
    }

    // MARK: Hosts, dates, parameters

    @Test("An address of a host that is not among the hosts is refused when it is read")
    func hosts() {
        expect("10: `base` leads to `other.example`, which is not among `hosts`") { $0.requests = "base: https://other.example/v1" }
        expect("17: the address of the read `seats` leads to `vendor.example.evil`") {
            $0.reads = Self.reads("get: \"https://vendor.example.evil/x\", records: $, paging: none")
        }
        expect("12: `url` leads to `login.example`") {
            $0.auth = "oauth2: {grant: clientCredentials, url: \"https://login.example/t\", clientId: me, clientSecret: \"${apiKey}\"}"
        }
        expect("8: `default` leads to `other.example`") {
            $0.settings =
                "  partner:\n    apiKey: {kind: secret, label: Key, help: Anywhere.}\n    url: {kind: url, label: U, help: U., default: \"https://other.example\"}"
        }
        #expect(
            problems {
                $0.hosts = "[vendor.example, \"*.login.example\", \"${url}\"]"
                $0.settings =
                    "  partner:\n    apiKey: {kind: secret, label: Key, help: Anywhere.}\n    url: {kind: url, label: U, help: U., default: \"https://any.example\"}"
                $0.requests = "base: https://VENDOR.example:8443/v1"
                $0.reads = Self.reads("get: \"https://eu.login.example/${account.id}\", for: accounts, records: $, paging: none")
                $0.counts = "  - {from: seats, service: Seats}"
            } == [])
    }

    @Test(
        "A date's pattern that means something else than it seems is refused",
        arguments: [
            ("YYYY-MM-dd", "`YYYY` is the year of the week; the year is `yyyy`"),
            ("yyyy-MM-DD", "`DD` is the day of the year; the day of the month is `dd`"),
            ("yyyy-mm-dd", "`mm` is minutes; the month is `MM`"), ("yyyy-MM-dd'T'hh:mm:ss", "`hh` counts to 12; the hour is `HH`"),
            ("yyyy-MM-ddTHH:mm:ss", "`T` stands for nothing; put words in single quotes"), ("foo", "stands for nothing"),
            ("today", "stands for nothing"),
            ("yyyy-MM-dd'T", "a quote is not closed"), ("2026", "holds nothing of a date"), ("ISO8601", "iso8601"),
        ])
    func dates(_ format: String, _ message: String) {
        expect(message) { $0.more = "dates: {from: {format: \"\(format)\"}}" }
    }

    @Test(
        "Patterns that are right",
        arguments: [
            "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss.SSSSSSS'Z'", "iso8601", "unix", "unixMilliseconds", "MM/dd/yyyy hh:mm a", "yyyyMMdd",
            "HH:mm",
            "EEE, dd MMM yyyy HH:mm:ss zzz", "yyyy-MM-dd'T'HH:mm:ssXXX", "YYYY-'W'ww", "yyyy-DDD",
        ])
    func rightDates(_ format: String) {
        #expect(problems { $0.more = "dates: {from: {format: \"\(format)\"}}" } == [])
    }

    @Test("A parameter that stands twice would be sent twice")
    func parameters() {
        let size = "size: {parameter: size, value: 2}"
        expect("17: The parameter `page` stands in `query` and in `paging`") {
            $0.reads = Self.reads(
                "get: /seats, query: {page: 1}, records: $, paging: {by: page, parameter: page, stop: [emptyPage], cap: 5}")
        }
        expect("17: The parameter `size` stands in `query` and in `paging`") {
            $0.reads = Self.reads(
                "get: /seats, query: {size: 1}, records: $, paging: {by: page, parameter: page, \(size), stop: [shortPage], cap: 5}")
        }
        expect("17: The parameter `page` stands in the address and in `paging`") {
            $0.reads = Self.reads("get: \"/seats?a=1&page=2\", records: $, paging: {by: page, parameter: page, stop: [emptyPage], cap: 5}")
        }
        expect("17: The parameter `page` stands in `form` and in `paging`") {
            $0.reads = Self.reads(
                "post: /seats, form: {page: 1}, records: $, paging: {by: page, parameter: page, in: form, stop: [emptyPage], cap: 5}")
        }
        expect("17: `parameter` and `size` are both called `page`") {
            $0.reads = Self.reads(
                "get: /seats, records: $, paging: {by: page, parameter: page, size: {parameter: page, value: 2}, stop: [shortPage], cap: 5}"
            )
        }
        expect("17: The parameter `key` stands in `query` and in `auth`") {
            $0.auth = "query: {key: \"${apiKey}\"}"
            $0.reads = Self.reads("get: /seats, query: {key: x}, records: $, paging: none")
        }
    }

    @Test("What no second try mends is not tried again", arguments: ["400", "401", "403", "404", "400-499"])
    func statuses(_ status: String) {
        expect("11: `statuses` holds `\(status)`, and 400, 401, 403 and 404 are not mended") {
            $0.requests += "\nretry: {statuses: [\(status)]}"
        }
    }

    // MARK: The file

    @Test("A control character of the definition reaches no terminal")
    func controls() {
        expect("20: `name` holds a control character") {
            $0.services = "  - {name: \"Se\\eats\", description: Seats, category: other, subcategory: other, basis: seats}"
            $0.counts = "  - {from: seats, service: \"Se\\eats\", account: $.customer}"
        }
        #expect(problems { $0.settings = "  partner:\n    apiKey: {kind: secret, label: Key, help: \"One\\ttwo\"}" } == [])
        let found = problems { $0.more = "\"re\\e[2Jads\": 1" }
        #expect(found.count == 1 && found.allSatisfy { $0.withoutControls == $0 }, "\(found)")
    }

    @Test("A byte order mark before the first line is passed over, as YAML has it")
    func byteOrderMark() throws {
        let text = [0xEF, 0xBB, 0xBF] + Array(SmallDefinition().text.utf8)
        #expect(try ConnectorDefinition(parsing: text, file: "f.yaml").id == "small")
    }
}
