import Foundation
import HTTPTypes

/// One vendor's accounts and counts, described: what `docs/connector-format.md` says, read and checked.
public struct ConnectorDefinition: Sendable {
    public let id: String
    public let name: String
    /// Where the facts come from.
    public let sources: [String]
    /// What nobody has tried.
    public let unverified: [String]
    /// Asked of every partner, in the order of the form.
    public let partnerSettings: [DefinitionSetting]
    /// Set once by whoever runs Perch.
    public let deploymentSettings: [DefinitionSetting]
    /// What the vendor publishes for everybody.
    let constants: [String: String]
    let hosts: [HostRule]
    let requests: RequestRules
    let auth: AuthRules
    let dates: [String: DateRule]
    let lookups: [LookupRule]
    /// In an order in which each comes after those it needs.
    let reads: [ReadRule]
    let accounts: [AccountRule]
    /// The catalogue, without what is discovered.
    public let services: [CatalogueService]
    /// In an order in which each comes after those it is made of.
    let computed: [ComputedRule]
    let discovered: DiscoveryRule?
    let counts: [CountRule]
    let test: RequestRule?
    /// What `test` shows of who is logged in.
    let testShows: Value?

    /// Services may come from the vendor's data, within a reviewed limit.
    public var discoversServices: Bool { discovered != nil }
}

public struct DefinitionSetting: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case text, secret, url, choice
    }

    public var name: String
    public var label: String
    public var help: String
    public var kind: Kind
    public var choices: [ConnectorField.Choice]
    /// As written: a partner's may name a deployment's setting.
    var defaultValue: Template?
    /// Without `PERCH_` for a deployment's.
    public var environmentName: String

    /// The default when it names no other setting.
    public var defaultText: String? { defaultValue?.literal }
}

/// A host that requests may go to.
enum HostRule: Sendable, Hashable {
    case exact(String)
    /// Everything under this name, written `*.name`.
    case under(String)
    /// The host of an address that somebody entered.
    case ofSetting(String)
}

struct RequestRules: Sendable {
    var base: Template
    var headers: [TemplatePair]
    /// Nil: as many as `parallel` allows.
    var perSecond: Double?
    var parallel: Int?
    var timeout: Duration?
    /// Bytes of one answer.
    var largestAnswer: Int
    var attempts: Int?
    var firstDelay: Duration?
    var longestDelay: Duration?
    var retriedStatuses: [ClosedRange<Int>]
    var failWhen: [FailureRule]

    static let usualRetriedStatuses = [408...408, 429...429, 500...599]
    static let usualLargestAnswer = 64 << 20
}

/// A header, a parameter or a form field.
struct TemplatePair: Sendable, Hashable {
    var name: Template
    var value: Template
}

/// An error that comes as a success.
struct FailureRule: Sendable {
    enum Meaning: String, Sendable, CaseIterable {
        case refused, credential, busy
    }

    var condition: Condition
    var message: Value?
    var meaning: Meaning
}

struct AuthRules: Sendable {
    var headers: [TemplatePair] = []
    var query: [TemplatePair] = []
    var basic: BasicRule?
    var bearer: Template?
    var token: TokenRule?
}

struct BasicRule: Sendable, Hashable {
    var user: Template
    var password: Template
}

struct TokenRule: Sendable {
    var request: RequestRule
    var basic: BasicRule?
    var value: JSONPath
    var expires: JSONPath?
    /// When the answer names none.
    var lifetime: Duration
}

/// One request, before anything is filled in.
struct RequestRule: Sendable {
    enum Body: Sendable {
        case none
        case form([TemplatePair])
        case json(JSONTemplate)
    }

    var method: HTTPRequest.Method
    /// Behind the base address, unless it names a host itself.
    var address: Template
    var query: [TemplatePair]
    var headers: [TemplatePair]
    var body: Body
}

/// A JSON body with templates in its texts.
indirect enum JSONTemplate: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(String)
    case text(Template)
    case list([JSONTemplate])
    case object([Member])

    struct Member: Sendable, Hashable {
        var name: String
        var value: JSONTemplate
    }
}

struct DateRule: Sendable, Hashable {
    enum Start: String, Sendable, CaseIterable {
        case now, day, month
    }

    var start: Start
    var days: Int
    var months: Int
    var hours: Int
    var zone: String
    var format: String
}

struct LookupRule: Sendable {
    enum Pick: String, Sendable, CaseIterable {
        case first, last, greatest, least
    }

    var name: String
    var read: String
    var value: JSONPath
    var pick: Pick
}

struct ReadRule: Sendable {
    var name: String
    var request: RequestRule
    var isForAccounts: Bool
    /// Every combination of the constants is one more request.
    var each: [(name: String, values: [String])]
    /// Lists of records; the first that is there counts.
    var lists: [JSONPath]
    /// One record, tried after the lists.
    var single: JSONPath?
    var explode: ExplodeRule?
    var joins: [JoinRule]
    var conditions: [Condition]
    var paging: PagingRule
    /// The reads that have to be made before it.
    var needs: Set<String> = []
}

struct ExplodeRule: Sendable {
    var list: JSONPath
    var field: String
    var takesMissingForNone: Bool
}

struct JoinRule: Sendable {
    var read: String
    var on: JSONPath
    var key: JSONPath
    var field: String
}

struct AccountRule: Sendable {
    var read: String
    var id: JSONPath
    var name: Value
    var conditions: [Condition]
}

struct ComputedRule: Sendable {
    var service: String
    var sum: [String]
    var minus: [String]
}

struct DiscoveryRule: Sendable {
    var limit: Int
    var category: String
    var subcategory: String
    var description: Template
    var basis: CountBasis
}

struct CountRule: Sendable {
    enum Service: Sendable {
        case fixed(String)
        case mapped(Value, map: [String: String], other: Other, missing: MissingField)
        case discovered(Value, missing: MissingField)
    }

    enum Other: Sendable, Hashable {
        case fail, skip
        case service(String)
    }

    enum Measure: Sendable {
        case records
        case sum(Value)
        case distinct(Value)
        case greatest(Value)
    }

    enum MissingCount: String, Sendable, CaseIterable {
        case fail, zero, drop
    }

    /// More than anybody is billed for: what is above is a field of another kind, such as a time or bytes. Synthesize itself names no
    /// limit (contract section 11).
    static let most = Decimal(1_000_000_000)

    var read: String
    var service: Service
    /// Nil in a read for accounts.
    var account: JSONPath?
    var conditions: [Condition]
    var measure: Measure
    var missing: MissingCount
    var number: NumberRule
}

struct NumberRule: Sendable, Hashable {
    enum ByteUnit: String, Sendable, CaseIterable {
        case kB, MB, GB, TB

        /// How often bytes are divided by 1024.
        var power: Int { Self.allCases.firstIndex(of: self).map { $0 + 1 } ?? 0 }
    }

    enum Rounding: String, Sendable, CaseIterable {
        case half, up, down
    }

    var bytes: ByteUnit?
    /// Nil: as exact as it comes.
    var decimals: Int?
    var rounding = Rounding.half
    var hasDecimalComma = false
}

/// What a field that is missing or null means for a condition or a service.
enum MissingField: String, Sendable, CaseIterable {
    case fail, keep, skip, drop
}

struct Condition: Sendable {
    enum Scalar: Sendable, Hashable {
        case bool(Bool)
        case number(String)
        case text(String)
    }

    enum Test: Sendable {
        case isOneOf([Scalar], negated: Bool)
        case contains(String, negated: Bool)
        case matches(Pattern, negated: Bool)
        case above(Decimal)
        case below(Decimal)
        case isPresent(Bool)
    }

    enum Form: Sendable {
        case field(Value, Test, missing: MissingField)
        case any([Condition])
    }

    /// Tells the conditions of a definition apart.
    var number: Int
    var form: Form
}

/// A regular expression that was understood when the definition was loaded.
struct Pattern: Sendable {
    let text: String
    private let expression: NSRegularExpression

    /// Nil when it is none.
    init?(_ text: String) {
        do {
            expression = try NSRegularExpression(pattern: text)
        } catch {
            return nil
        }
        self.text = text
    }

    /// Whether it matches somewhere in `subject`.
    func matches(_ subject: String) -> Bool {
        expression.firstMatch(in: subject, range: NSRange(subject.startIndex..., in: subject)) != nil
    }
}

struct PagingRule: Sendable {
    enum Style: Sendable {
        case none
        case page(parameter: String, first: Int)
        case offset(parameter: String, first: Int)
        case keyset(parameter: String, key: JSONPath, first: String?)
        case cursor(parameter: String, next: JSONPath)
        case nextURL(JSONPath)
        case link
    }

    enum Place: String, Sendable, CaseIterable {
        case query, json, form
    }

    enum Stop: Sendable {
        case shortPage, emptyPage, noNext
        case total(Source)
        case pages(Source)
        case more(JSONPath)
    }

    enum Source: Sendable {
        case answer(JSONPath)
        /// With a path: the header holds JSON.
        case header(HTTPField.Name, JSONPath?)
    }

    struct Size: Sendable, Hashable {
        var parameter: String
        var value: Int
    }

    var style: Style
    var place: Place
    var size: Size?
    var stops: [Stop]
    /// Pages at most.
    var cap: Int

    /// Whether it is Perch that says which page it wants, which a vendor may ignore.
    var countsPages: Bool {
        switch style {
        case .page, .offset: true
        default: false
        }
    }
}
