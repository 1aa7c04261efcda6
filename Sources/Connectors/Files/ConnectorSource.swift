/// What a file named by `PERCH_CONNECTOR` describes, or a built-in definition.
public enum ConnectorSource: Sendable {
    /// A vendor that is asked.
    case definition(ConnectorDefinition)
    /// A vendor that hands in. Such a file has `kind: usage`.
    case usage(UsageSource)

    /// What the program's own settings have to say for it.
    public var deploymentSettings: [DefinitionSetting] {
        switch self {
        case .definition(let definition): definition.deploymentSettings
        case .usage: []
        }
    }

    /// - Throws: `DefinitionError` with everything that is wrong with it.
    public init(named name: String) throws(DefinitionError) {
        guard BuiltinDefinitions.text(name) == nil, name.contains("/") || name.contains(".") else {
            self = .definition(try ConnectorDefinition(named: name))
            return
        }
        try self.init(parsing: try ConnectorDefinition.bytes(name), file: name)
    }

    /// - Parameter file: what messages call it.
    /// - Throws: `DefinitionError` with everything that is wrong with it.
    public init(parsing bytes: [UInt8], file: String) throws(DefinitionError) {
        let document = try DocumentNode.parse(bytes, file: file)
        guard case .map(let entries) = document.content, entries.contains(where: { $0.key == "kind" }) else {
            self = .definition(try ConnectorDefinition(parsing: bytes, file: file))
            return
        }
        let problems = DefinitionProblems()
        let source = UsageSourceReader(problems: problems).source(document)
        guard problems.inOrder.isEmpty, let source else { throw DefinitionError(file: file, problems: problems.inOrder) }
        self = .usage(source)
    }
}

/// Reads a file of `kind: usage`. Goes on after a problem, so that a person sees them all.
private struct UsageSourceReader {
    let problems: DefinitionProblems

    private enum Kind: String, CaseIterable { case usage }
    private enum FileType: String, CaseIterable { case csv, json }

    /// Nil only when something is wrong.
    func source(_ document: DocumentNode) -> UsageSource? {
        guard let map = MapReader(document, "the usage source", problems) else { return nil }
        if let node = map.required("format", "the version of the format; it is 1."), node.scalar != .number("1") {
            problems.add(node.line, "`format` is \(node.kind), and this Perch reads format 1.")
        }
        _ = map.word("kind", Kind.self)
        let reader = DefinitionReader(problems)
        let id = reader.readID(map)
        let name = map.requiredText("name", "the product's name as partners know it.")
        reader.readBases(map)
        let catalogue = reader.readServices(map)
        if let computed = catalogue.computed.first {
            problems.add(
                catalogue.lines[computed.service] ?? map.line,
                "`\(computed.service)` is computed, which only a definition's service can be.")
        }
        let file = map.node("file").map(fileFormat) ?? UsageFileFormat(kind: .csv(delimiter: ","))
        map.finish()
        guard problems.inOrder.isEmpty, let file else { return nil }
        return UsageSource(id: id, name: name, services: catalogue.services, file: file)
    }

    private func fileFormat(_ node: DocumentNode) -> UsageFileFormat? {
        guard let map = MapReader(node, "file", problems) else { return nil }
        _ = map.required("type", "csv or json.")
        let type = map.word("type", FileType.self) ?? .csv
        var format = UsageFileFormat(kind: type == .csv ? .csv(delimiter: delimiter(map)) : .json(records: records(map)))
        for (key, owner) in [("delimiter", FileType.csv), ("records", .json)] where owner != type && map.has(key) {
            problems.add(
                map.node(key)?.line ?? node.line, "`\(key)` is for files of type \(owner.rawValue), and this one is \(type.rawValue).")
        }
        format.encoding = map.word("encoding", TextEncoding.self) ?? .automatic
        format.decimalMark = map.word("decimalMark", UsageFileFormat.DecimalMark.self) ?? .point
        if let node = map.node("columns"), let columns = MapReader(node, "columns", problems) {
            format.accountID = columns.text("accountId") ?? format.accountID
            format.accountName = columns.text("accountName") ?? format.accountName
            format.service = columns.text("service") ?? format.service
            format.count = columns.text("count") ?? format.count
            columns.finish()
            let names = [format.accountID, format.accountName, format.service, format.count]
            if Set(names).count < names.count { problems.add(node.line, "Two of `columns` have the same name.") }
        }
        map.finish()
        do throws(ConnectorError) {
            try format.check()
        } catch {
            problems.add(map.node(type == .csv ? "delimiter" : "records")?.line ?? node.line, error.message)
        }
        return format
    }

    private func delimiter(_ map: MapReader) -> Character {
        guard let node = map.node("delimiter") else { return "," }
        guard case .scalar(let text, _) = node.content, let sign = text == "tab" ? "\t" : text.first, text == "tab" || text.count == 1
        else {
            problems.add(node.line, "`delimiter` has to be one character in quotes, or the word tab, and is \(node.kind).")
            return ","
        }
        return sign
    }

    private func records(_ map: MapReader) -> String { map.text("records") ?? "$[*]" }
}
