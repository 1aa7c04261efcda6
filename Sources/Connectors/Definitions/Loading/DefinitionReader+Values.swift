/// What a template may refer to where it stands.
struct Scope {
    /// Nil: every setting.
    var settings: Set<String>?
    /// Settings of kind secret too.
    var allowsSecrets = false
    var hasAccount = false
    var each: Set<String> = []
    var hasRecord = false
    var hasToken = false
    var hasLookups = true

    /// Of requests that are made on their own.
    static let request = Scope(allowsSecrets: true)
}

extension DefinitionReader {
    // MARK: Paths

    func path(_ node: DocumentNode, _ what: String) -> JSONPath? {
        guard let text = problems.text(node, what) else { return nil }
        do {
            let path = try JSONPath(text)
            if path.isSingular { return path }
            problems.add(node.line, "\(what) is `\(text)`, and has to lead to one place: names and single indices only.")
        } catch {
            problems.add(node.line, "\(what): \(error.message)")
        }
        return nil
    }

    func path(_ map: MapReader, _ key: String, _ hint: String) -> JSONPath? {
        map.required(key, hint).flatMap { path($0, "`\(key)`") }
    }

    // MARK: Templates and values

    func template(_ node: DocumentNode, _ what: String, _ scope: Scope) -> Template? {
        guard case .scalar(let text, _) = node.content else {
            problems.add(node.line, "\(what) has to be a text, and is \(node.kind).")
            return nil
        }
        return template(text, line: node.line, what, scope)
    }

    func template(_ text: String, line: Int, _ what: String, _ scope: Scope) -> Template? {
        do {
            let template = try Template(text)
            check(template.names, line: line, what, scope)
            return template
        } catch {
            problems.add(line, "\(what): \(error.message)")
            return nil
        }
    }

    /// - Parameter mayBeFixed: whether a text without any name makes sense there; nearly always it is a path whose `$.` was forgotten.
    func value(_ node: DocumentNode, _ what: String, _ scope: Scope, mayBeFixed: Bool = false) -> Value? {
        if case .list(let items) = node.content {
            guard items.count > 0 else {
                problems.add(node.line, "\(what) is an empty list.")
                return nil
            }
            let values = items.compactMap { value($0, what, scope, mayBeFixed: true) }
            return values.count == items.count ? .first(values) : nil
        }
        guard let text = problems.text(node, what) else { return nil }
        do {
            let value = try Value(text)
            if case .path(let path) = value, !path.isSingular {
                problems.add(node.line, "\(what) is `\(text)`, and has to lead to one value: names and single indices only.")
                return nil
            }
            if case .template(let template) = value, template.names.isEmpty, !mayBeFixed {
                problems.add(
                    node.line, "\(what) is the fixed text `\(text)`. A path begins with `$`: is `$.\(text)` what is meant?")
                return nil
            }
            check(value.names, line: node.line, what, scope)
            return value
        } catch {
            problems.add(node.line, "\(what): \(error.message)")
            return nil
        }
    }

    private func check(_ names: [Template.Name], line: Int, _ what: String, _ scope: Scope) {
        for name in names {
            switch name {
            case .setting(let name): checkSetting(name, line: line, what, scope)
            case .accountID, .accountName, .accountField:
                if !scope.hasAccount { problems.add(line, "\(what): ${account...} is only known in a read with `for: accounts`.") }
            case .each(let name):
                if !scope.each.contains(name) {
                    let known = scope.each.sorted().map { "`${each.\($0)}`" }.joined(separator: ", ")
                    problems.add(
                        line,
                        "\(what): `${each.\(name)}` is not declared by `each` of the read. "
                            + (known.isEmpty ? "It has none." : "It has \(known)."))
                }
            case .date(let name): checkKnown(name, among: dateNames, kind: "date", line: line, what)
            case .lookup(let name):
                if scope.hasLookups {
                    checkKnown(name, among: lookupNames, kind: "lookup", line: line, what)
                } else {
                    problems.add(line, "\(what): a lookup's value is not known here.")
                }
            case .token:
                if !scope.hasToken {
                    problems.add(line, "\(what): `${token}` is only known in `headers`, `query` and `bearer` beside `auth.token`.")
                }
            case .record(let path):
                if !scope.hasRecord {
                    problems.add(line, "\(what): `${\(path.text)}` is a field of a record, and there is no record here.")
                }
                if !path.isSingular { problems.add(line, "\(what): `${\(path.text)}` has to lead to one value.") }
            }
        }
    }

    private func checkSetting(_ name: String, line: Int, _ what: String, _ scope: Scope) {
        if constants[name] != nil { return }
        let known = scope.settings ?? Set(settings.keys)
        guard let setting = settings[name], known.contains(name) else {
            let meant = name.nearest(of: Array(known) + Array(constants.keys)).map { " Did you mean `${\($0)}`?" }
            let all = known.sorted().map { "`\($0)`" }.joined(separator: ", ")
            return problems.add(
                line,
                "\(what): `${\(name)}` is not a setting or constant of this definition."
                    + (meant ?? (all.isEmpty ? " None is declared." : " Declared are \(all).")))
        }
        if setting.kind == .secret, !scope.allowsSecrets {
            problems.add(line, "\(what): the secret `\(name)` may only stand in requests.")
        }
    }

    func checkKnown(_ name: String, among known: Set<String>, kind: String, line: Int, _ what: String) {
        guard !known.contains(name) else { return }
        let meant = name.nearest(of: known).map { " Did you mean `\($0)`?" }
        problems.add(
            line,
            "\(what): there is no \(kind) `\(name)`."
                + (meant
                    ?? (known.isEmpty ? " None is declared." : " There are \(known.sorted().map { "`\($0)`" }.joined(separator: ", "))."))
        )
    }

    // MARK: Pairs and bodies

    /// Headers, parameters, form fields.
    func templatePairs(_ entries: [DocumentNode.Entry], _ what: String, _ scope: Scope) -> [TemplatePair] {
        entries.compactMap { entry in
            guard let name = template(entry.key, line: entry.line, what, scope),
                let value = template(entry.value, "\(what) `\(entry.key)`", scope)
            else { return nil }
            // A form's field may be that of a public client.
            if what == "the field" {
                checkNoSecret(entry.key, value.literal, mayBeConstant: true, line: entry.value.line)
            } else {
                checkNoSecret(entry.key, openText(value), mayBeConstant: false, line: entry.value.line)
            }
            return TemplatePair(name: name, value: value)
        }
    }

    /// A secret written down instead of asked for.
    /// - Parameter open: the value as far as everybody can read it.
    func checkNoSecret(_ name: String, _ open: String?, mayBeConstant: Bool, line: Int) {
        guard let open, !open.isEmpty, name.namesSecret || open.looksLikeSecret else { return }
        problems.add(
            line,
            "`\(name)` looks like a secret in clear. Make it a setting of kind secret"
                + (mayBeConstant ? ", or, when the vendor publishes it for everybody, a constant." : "."))
    }

    func jsonTemplate(_ node: DocumentNode, name: String, _ scope: Scope) -> JSONTemplate? {
        switch node.content {
        case .list(let items):
            return .list(items.compactMap { jsonTemplate($0, name: name, scope) })
        case .map(let entries):
            return .object(
                entries.compactMap { entry in
                    jsonTemplate(entry.value, name: entry.key, scope).map { JSONTemplate.Member(name: entry.key, value: $0) }
                })
        case .scalar(let text, let isQuoted):
            switch ScalarKind(text, isQuoted: isQuoted) {
            case .null: return .null
            case .bool(let value): return .bool(value)
            case .number(let digits): return .number(digits)
            case .text:
                guard let template = template(node, "`json`", scope) else { return nil }
                checkNoSecret(name, template.literal, mayBeConstant: true, line: node.line)
                return .text(template)
            }
        }
    }
}
