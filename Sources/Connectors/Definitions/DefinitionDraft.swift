/// A first definition, or a first usage source, made of the answers to a few questions: enough for most platforms that list customers and
/// something to count, and for most files.
public struct DefinitionDraft: Sendable, Hashable {
    public struct Question: Sendable, Hashable {
        public var key: String
        public var text: String
        /// Taken for an empty answer; nil: an answer is needed.
        public var usual: String?
        /// When not empty, the answer is one of these.
        public var choices: [String]

        init(_ key: String, _ text: String, usual: String? = nil, choices: [String] = []) {
            (self.key, self.text, self.usual, self.choices) = (key, text, usual, choices)
        }
    }

    public enum Kind: String, Sendable, CaseIterable {
        /// A vendor that is asked.
        case definition
        /// Usage that is handed in: `kind: usage`.
        case usage
    }

    public let kind: Kind
    private var answers: [String: String] = [:]

    public init(_ kind: Kind = .definition) {
        self.kind = kind
    }

    /// What to ask next, in an order in which each answer tells what else there is to ask; nil when nothing is left.
    public var next: Question? { questions.first { answers[$0.key] == nil } }

    /// Takes an answer.
    /// - Returns: why it cannot be taken; nil when it was.
    public mutating func answer(_ question: Question, _ text: String) -> String? {
        let text = text.trimmingWhitespace()
        guard let answer = text.isEmpty ? question.usual : text else { return "This needs an answer." }
        if !question.choices.isEmpty, !question.choices.contains(answer) {
            return "One of: \(question.choices.joined(separator: ", "))."
                + (answer.nearest(of: question.choices).map { " Did you mean \($0)?" } ?? "")
        }
        if answer.withoutControls != answer { return "One line, please." }
        var tried = self
        tried.answers[question.key] = answer
        if let problem = tried.problem { return problem }
        answers[question.key] = answer
        return nil
    }

    /// Why the checker would refuse these answers, whatever the others will be; nil when it would not.
    private var problem: String? {
        var whole = self
        while let question = whole.next { whole.answers[question.key] = question.usual ?? Self.samples[question.key] ?? "x" }
        do {
            _ = try ConnectorSource(parsing: Array(whole.text.utf8), file: "")
            return nil
        } catch {
            return error.problems.first?.message
        }
    }

    /// For questions that have no usual answer.
    private static let samples = [
        "name": "Example", "base": "https://api.vendor.example", "token": "https://api.vendor.example/token",
    ]

    func value(_ key: String) -> String { answers[key] ?? "" }

    /// `Größe & Co.` as `gr-e-co`: what an id may hold.
    private static func id(of name: String) -> String {
        let words = name.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        let id = words.joined(separator: "-").drop { !$0.isLetter }.prefix(40)
        return id.isEmpty ? "vendor" : String(id)
    }

    private var questions: [Question] {
        let product = [
            Question("name", "The product's name, as partners know it"),
            Question("id", "A short id: lower-case letters, digits and -", usual: Self.id(of: value("name"))),
        ]
        let service = [
            Question("service", "The service's name, as Synthesize shows it", usual: value("name") + " Users"),
            Question("category", "Gradient's category", usual: "other", choices: GradientWords.categories),
            Question("subcategory", "Gradient's subcategory", usual: "other", choices: GradientWords.subcategories),
            Question("basis", "What one unit is, in the vendor's words", usual: "users"),
        ]
        return product + (kind == .usage ? fileQuestions : vendorQuestions) + service
    }

    private var vendorQuestions: [Question] {
        var list = [
            Question(
                "source", "Where do the facts come from? (the API's documentation, for instance)", usual: "The vendor's API documentation"),
            Question("base", "The API's address, with https:// and what all paths begin with; or ask, when every partner enters its own"),
            Question(
                "auth", "How do requests prove who asks?", usual: "header", choices: ["header", "bearer", "basic", "query", "oauth2"]),
        ]
        switch value("auth") {
        case "header": list.append(Question("parameter", "The header that carries the key", usual: "X-Api-Key"))
        case "query": list.append(Question("parameter", "The parameter that carries the key", usual: "api_key"))
        case "oauth2": list.append(Question("token", "The token's address (OAuth2 client credentials)"))
        default: break
        }
        list += [
            Question("customers", "The path that lists the customers", usual: "/customers"),
            Question("customersList", "Where the list stands in the answer ($ when the answer is the list)", usual: "$"),
            Question("customerID", "A customer's id", usual: "$.id"), Question("customerName", "A customer's name", usual: "$.name"),
            Question(
                "usage", "What is counted? field: a number in each customer; call: one call for all customers; calls: one call a customer",
                usual: "calls", choices: ["field", "call", "calls"]),
        ]
        if value("usage") != "field" {
            list += [
                Question(
                    "usagePath", "The path of that call (${account.id} stands for the customer's id)",
                    usual: value("usage") == "calls" ? "/customers/${account.id}/users" : "/users"),
                Question("usageList", "Where the list stands in its answer", usual: "$"),
            ]
            if value("usage") == "call" {
                list.append(Question("usageAccount", "The customer's id in such a record", usual: "$.customerId"))
            }
        } else {
            list.append(Question("usageField", "The number in the customer's record", usual: "$.userCount"))
        }
        return list
    }

    // MARK: The file

    /// The commented definition; whole once `next` is nil.
    public var text: String { kind == .usage ? usageText : definitionText }

    private var definitionText: String {
        """
        # A connector definition. Every key is explained in docs/connector-format.md.
        # Check it with `perch connectors check FILE`, try it with `perch connectors preview FILE --set KEY=VALUE`.
        format: 1
        id: \(quoted("id"))
        name: \(quoted("name"))
        about:
          # Where each fact below was read. Whoever reviews this file starts here.
          sources: [\(quoted("source"))]
          # What nobody has tried against the live API.
          unverified: [everything]

        settings:
          # Asked of every partner under "Connect".
          partner:
        \(settings)\(addressSetting)

        # Requests go to these hosts and to no others.
        hosts: [\(Self.quote(isAsked ? "${apiURL}" : value("base").urlHost ?? "api.vendor.example"))\(tokenHost)]

        requests:
          base: \(Self.quote(isAsked ? "${apiURL}" : value("base").trimmingTrailingSlashes()))
          # perSecond: 5     # requests a second, when the vendor has a limit

        auth:
        \(auth)

        reads:
          customers:
            get: \(quoted("customers"))
            records: \(quoted("customersList"))
            # `none` says that the answer is the whole list. If the vendor turns pages, describe them:
            # paging: {by: page, parameter: page, size: {parameter: pageSize, value: 100}, stop: [shortPage], cap: 1000}
            paging: none
        \(usageRead)
        accounts:
          from: customers
          id: \(quoted("customerID"))
          name: \(quoted("customerName"))

        bases:
          # What a count means, kept with every number. Raise the version when what is counted changes.
          \(quoted("basis")):
            version: 1
            counts: \(Self.quote("The customer's \(value("basis")) at the moment of the fetch."))

        services:
          - name: \(quoted("service"))
            description: \(quoted("service"))
            category: \(quoted("category"))
            subcategory: \(quoted("subcategory"))
            basis: \(quoted("basis"))

        counts:
        \(count)

        """
    }

    /// Every partner enters its own address.
    private var isAsked: Bool { value("base") == "ask" }

    func quoted(_ key: String) -> String { Self.quote(value(key)) }

    /// As YAML writes any text.
    static func quote(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private var settings: String {
        switch value("auth") {
        case "basic":
            """
                user: {label: User name, help: Where to find it., environment: API_USER}
                password: {kind: secret, label: Password, help: Where to find it.}
            """
        case "oauth2":
            """
                clientId: {label: Client ID, help: Where to find it.}
                clientSecret: {kind: secret, label: Client Secret, help: Where to find it.}
            """
        default: "    apiKey: {kind: secret, label: API Key, help: Where to find it.}"
        }
    }

    private var addressSetting: String {
        isAsked
            ? "\n    apiURL: {kind: url, label: API URL, help: \"The address of your system, for instance https://api.example.com.\"}" : ""
    }

    private var tokenHost: String {
        guard let host = value("token").urlHost, host != value("base").urlHost else { return "" }
        return ", " + Self.quote(host)
    }

    private var auth: String {
        switch value("auth") {
        case "header": "  headers: {\(quoted("parameter")): \"${apiKey}\"}"
        case "query": "  query: {\(quoted("parameter")): \"${apiKey}\"}"
        case "basic": "  basic: {user: \"${user}\", password: \"${password}\"}"
        case "oauth2":
            """
              oauth2:
                grant: clientCredentials
                url: \(quoted("token"))
                clientId: ${clientId}
                clientSecret: ${clientSecret}
            """
        default: "  bearer: ${apiKey}"
        }
    }

    private var usageRead: String {
        guard value("usage") != "field" else { return "" }
        return """
              usage:
            \(value("usage") == "calls" ? "    for: accounts\n" : "")    get: \(quoted("usagePath"))
                records: \(quoted("usageList"))
                paging: none

            """
    }

    private var count: String {
        switch value("usage") {
        case "field":
            """
              - service: \(quoted("service"))
                from: customers
                account: \(quoted("customerID"))
                count: {sum: \(quoted("usageField"))}
            """
        case "call":
            """
              - service: \(quoted("service"))
                from: usage
                account: \(quoted("usageAccount"))
                # where: [{field: $.active, is: true}]
                count: records
            """
        default:
            """
              - service: \(quoted("service"))
                from: usage
                # where: [{field: $.active, is: true}]
                count: records
            """
        }
    }
}
