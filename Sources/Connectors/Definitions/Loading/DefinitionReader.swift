import Foundation
import HTTPTypes

extension ConnectorDefinition {
    /// Reads and checks a definition.
    /// - Parameter file: what messages call it.
    /// - Throws: `DefinitionError` with everything that is wrong.
    public init(parsing bytes: [UInt8], file: String) throws(DefinitionError) {
        let document = try DocumentNode.parse(bytes, file: file)
        let problems = DefinitionProblems()
        let definition = DefinitionReader(problems).definition(document)
        guard problems.inOrder.isEmpty, let definition else {
            throw DefinitionError(file: file, problems: problems.inOrder)
        }
        self = definition
    }
}

/// Turns a document into a definition. Goes on after a problem, so that a person sees them all.
final class DefinitionReader {
    let problems: DefinitionProblems
    // What names in templates may refer to; filled before anything that uses them is read.
    var settings: [String: DefinitionSetting] = [:]
    var deploymentNames: Set<String> = []
    var constants: [String: String] = [:]
    var dateNames: Set<String> = []
    var lookupNames: Set<String> = []
    var readNames: Set<String> = []
    var bases: [String: CountBasis] = [:]
    var conditionCount = 0

    init(_ problems: DefinitionProblems) {
        self.problems = problems
    }

    /// Nil only when something is wrong.
    func definition(_ document: DocumentNode) -> ConnectorDefinition? {
        guard let map = MapReader(document, "the definition", problems) else { return nil }
        if let node = map.required("format", "the version of the format; it is 1."), node.scalar != .number("1") {
            problems.add(node.line, "`format` is \(node.kind), and this Perch reads format 1.")
        }
        let id = readID(map)
        let name = map.requiredText("name", "the product's name as partners know it.")
        let (sources, unverified) = readAbout(map)
        let (partner, deployment) = readSettings(map, id: id)
        readConstants(map)
        let dates = readDates(map)
        lookupNames = Set(map.pairs("lookups").map(\.key))
        readNames = Set(map.pairs("reads").map(\.key))
        let hosts = readHosts(map)
        let requests = readRequests(map)
        let auth = readAuth(map)
        let lookups = readLookups(map)
        let reads = readReads(map)
        let accounts = readAccounts(map, reads)
        readBases(map)
        let catalogue = readServices(map)
        let discovered = readDiscovered(map)
        let counts = readCounts(map, reads, catalogue, discovered)
        let (test, shows) = readTest(map)
        map.finish()
        checkUse(catalogue, counts, map.node("services")?.line ?? map.line)
        let ordered = ordered(reads, accounts, counts, lookups, map)
        guard problems.inOrder.isEmpty, let requests else { return nil }
        return ConnectorDefinition(
            id: id, name: name, sources: sources, unverified: unverified, partnerSettings: partner, deploymentSettings: deployment,
            constants: constants, hosts: hosts, requests: requests, auth: auth, dates: dates, lookups: lookups, reads: ordered,
            accounts: accounts, services: catalogue.services, computed: catalogue.computed, discovered: discovered?.rule,
            counts: counts, test: test, testShows: shows)
    }

    func readID(_ map: MapReader) -> String {
        guard let node = map.required("id", "a word for this connector, stored with credentials.") else { return "" }
        let text = problems.text(node, "`id`") ?? ""
        let isFit =
            text.utf8.count <= 40 && text.first?.isLetter == true
            && text.utf8.allSatisfy { $0 == UInt8(ascii: "-") || ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7A) }
        if !text.isEmpty, !isFit {
            problems.add(node.line, "`id` is `\(text)`, and has to be lower-case letters, digits and `-`, a letter first, 40 at most.")
        }
        return text
    }

    private func readAbout(_ map: MapReader) -> ([String], [String]) {
        guard let node = map.required("about", "`sources`, where the facts come from, and `unverified`, what nobody has tried."),
            let about = MapReader(node, "about", problems)
        else { return ([], []) }
        let sources = about.texts("sources")
        if sources.isEmpty { problems.add(node.line, "about has no `sources`: where the facts come from, one line each.") }
        if !about.has("unverified") {
            problems.add(node.line, "about has no `unverified`: what nobody has tried. Write [] when there is nothing.")
        }
        let unverified = about.texts("unverified")
        about.finish()
        return (sources, unverified)
    }

    // MARK: Settings, constants, dates

    private func readSettings(_ map: MapReader, id: String) -> ([DefinitionSetting], [DefinitionSetting]) {
        guard let node = map.required("settings", "`partner`, what is asked of every partner, and `deployment`."),
            let groups = MapReader(node, "settings", problems)
        else { return ([], []) }
        let deployment = groups.pairs("deployment").compactMap { entry in
            setting(entry, environment: (id + "-" + entry.key).environmentName, isDeployment: true)
        }
        deploymentNames = Set(deployment.map(\.name))
        let partner = groups.pairs("partner").compactMap { entry in
            setting(entry, environment: entry.key.environmentName, isDeployment: false)
        }
        groups.finish()
        return (partner, deployment)
    }

    private func setting(_ entry: DocumentNode.Entry, environment: String, isDeployment: Bool) -> DefinitionSetting? {
        let reserved = ["token", "account", "each", "date", "lookup"]
        if !entry.key.isDefinitionName || reserved.contains(entry.key) {
            problems.add(entry.line, "`\(entry.key)` cannot name a setting. Use letters and digits, such as `apiKey`.")
        }
        if settings[entry.key] != nil {
            problems.add(entry.line, "`\(entry.key)` is a setting already. Partner and deployment settings share their names.")
        }
        guard let map = MapReader(entry.value, "the setting `\(entry.key)`", problems) else { return nil }
        var setting = DefinitionSetting(
            name: entry.key, label: map.requiredText("label", "what the form calls it."),
            help: map.requiredText("help", "one line: where to find it."), kind: map.word("kind", DefinitionSetting.Kind.self) ?? .text,
            choices: [], defaultValue: nil, environmentName: environment)
        for choice in map.pairs("choices") {
            guard let label = problems.text(choice.value, "the label of `\(choice.key)`") else { continue }
            setting.choices.append(.init(value: choice.key, label: label))
        }
        if (setting.kind == .choice) == setting.choices.isEmpty {
            problems.add(
                entry.line,
                setting.kind == .choice
                    ? "The setting `\(entry.key)` has kind choice and no `choices`." : "Only a setting with kind choice has `choices`.")
        }
        readDefault(map, &setting, isDeployment: isDeployment)
        if isDeployment {
            if map.has("environment") {
                problems.add(map.node("environment")?.line ?? entry.line, "A deployment setting is always called PERCH_\(environment).")
            }
        } else if let node = map.node("environment"), let name = problems.text(node, "`environment`") {
            setting.environmentName = name
            if name.hasPrefix("PERCH_")
                || !name.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) })
            {
                problems.add(node.line, "`environment` is `\(name)`, and has to be capitals, digits and `_`, without PERCH_.")
            }
        }
        map.finish()
        settings[entry.key] = setting
        return setting
    }

    private func readDefault(_ map: MapReader, _ setting: inout DefinitionSetting, isDeployment: Bool) {
        guard let node = map.node("default") else { return }
        guard case .scalar(let text, _) = node.content else {
            return problems.add(node.line, "`default` has to be a text, and is \(node.kind).")
        }
        guard setting.kind != .secret || text.isEmpty else {
            return problems.add(node.line, "A secret has no default: it would be a secret in clear. \"\" makes it optional.")
        }
        guard !text.isEmpty else {
            setting.defaultValue = Template(literal: "")
            return
        }
        var scope = Scope()
        scope.settings = isDeployment ? [] : deploymentNames
        setting.defaultValue = template(node, "`default`", scope)
        guard let literal = setting.defaultValue?.literal else { return }
        if setting.kind == .choice, !setting.choices.contains(where: { $0.value == literal }) {
            problems.add(node.line, "`default` is `\(literal)`, which is not among `choices`.")
        }
        if setting.kind == .url, !literal.hasPrefix("https://") {
            problems.add(node.line, "`default` is `\(literal)`, and has to be an https address.")
        }
    }

    private func readConstants(_ map: MapReader) {
        for entry in map.pairs("constants") {
            if !entry.key.isDefinitionName || settings[entry.key] != nil {
                problems.add(entry.line, "`\(entry.key)` cannot name a constant: use letters and digits, and no setting's name.")
            }
            guard let text = problems.text(entry.value, "the constant `\(entry.key)`") else { continue }
            if text.looksLikeSecret {
                problems.add(
                    entry.value.line, "The constant `\(entry.key)` looks like a secret in clear. Make it a setting of kind secret.")
            }
            constants[entry.key] = text
        }
    }

    private func readDates(_ map: MapReader) -> [String: DateRule] {
        var dates: [String: DateRule] = [:]
        for entry in map.pairs("dates") {
            dateNames.insert(entry.key)
            guard let rule = MapReader(entry.value, "the date `\(entry.key)`", problems) else { continue }
            let zone = rule.text("zone") ?? "UTC"
            if zone != "UTC", TimeZone(identifier: zone) == nil {
                problems.add(rule.node("zone")?.line ?? rule.line, "`zone` is `\(zone)`, which is no time zone such as Europe/Berlin.")
            }
            let range = -10_000...10_000
            dates[entry.key] = DateRule(
                start: rule.word("at", DateRule.Start.self) ?? .now, days: rule.integer("days", range) ?? 0,
                months: rule.integer("months", range) ?? 0, hours: rule.integer("hours", range) ?? 0, zone: zone,
                format: rule.requiredText("format", "a pattern such as yyyy-MM-dd, iso8601, unix or unixMilliseconds."))
            rule.finish()
        }
        return dates
    }
}

extension String {
    /// `apiKey` as `API_KEY`, `saas-alerts` as `SAAS_ALERTS`.
    var environmentName: String {
        var name = ""
        var wasLower = false
        for character in self {
            if character.isUppercase, wasLower { name += "_" }
            name += character == "-" ? "_" : character.uppercased()
            wasLower = character.isLowercase || character.isNumber
        }
        return name
    }

    /// Whether a part of it looks like what a machine made up: 24 letters and digits or more, mixed.
    var looksLikeSecret: Bool {
        utf8.split(whereSeparator: { !($0.isASCIILetter || $0.isASCIIDigit || [0x2B, 0x2F, 0x3D, 0x5F, 0x2D].contains($0)) }).contains {
            run in
            run.count >= 24 && run.count(where: \.isASCIIDigit) >= 4 && run.count(where: \.isASCIILetter) >= 4 && Set(run).count >= 10
        }
    }
}

extension UInt8 {
    var isASCIIDigit: Bool { self >= 0x30 && self <= 0x39 }
    var isASCIILetter: Bool { (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7A }
}
