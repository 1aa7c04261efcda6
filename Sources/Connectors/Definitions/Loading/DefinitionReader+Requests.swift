import HTTPTypes

extension DefinitionReader {
    // MARK: hosts and requests

    func readHosts(_ map: MapReader) -> [HostRule] {
        guard let node = map.required("hosts", "the only hosts that requests go to.") else { return [] }
        guard case .list(let items) = node.content, !items.isEmpty else {
            problems.add(node.line, "`hosts` has to be a list of hosts, and is \(node.kind).")
            return []
        }
        return items.compactMap { item in
            guard let text = problems.text(item, "an item of `hosts`"), let template = template(item, "`hosts`", Scope()) else {
                return nil
            }
            if case .name(.setting(let name))? = template.pieces.first, template.pieces.count == 1 {
                if settings[name]?.kind == .url { return .ofSetting(name) }
                problems.add(item.line, "`hosts` names `${\(name)}`, which has to be a setting of kind url.")
                return nil
            }
            let (isUnder, host) = text.hasPrefix("*.") ? (true, String(text.dropFirst(2))) : (false, text)
            guard host.isHostName, !isUnder || host.contains(".") else {
                problems.add(
                    item.line,
                    "`hosts` holds `\(text)`, and has to hold names such as api.vendor.example, *.vendor.example or ${apiURL}, without https:// and path."
                )
                return nil
            }
            return isUnder ? .under(host.lowercased()) : .exact(host.lowercased())
        }
    }

    func readRequests(_ map: MapReader) -> RequestRules? {
        guard let node = map.required("requests", "`base`, the address that reads begin with."),
            let rules = MapReader(node, "requests", problems)
        else { return nil }
        let base = rules.required("base", "the address that reads begin with, such as https://api.vendor.example/v1.")
            .flatMap { node in template(node, "`base`", .request).map { checkedAddress($0, line: node.line, "`base`", isWhole: true) } }
        var result = RequestRules(
            base: base ?? Template(literal: ""), headers: templatePairs(rules.pairs("headers"), "the header", .request),
            perSecond: rules.number("perSecond", 0.1...1000), parallel: rules.integer("parallel", 1...64),
            timeout: rules.integer("timeout", 1...3600).map { .seconds($0) },
            largestAnswer: rules.integer("largest", 1...1024).map { $0 << 20 } ?? RequestRules.usualLargestAnswer,
            retriedStatuses: RequestRules.usualRetriedStatuses, failWhen: [])
        if let node = rules.node("retry"), let retry = MapReader(node, "retry", problems) {
            result.attempts = retry.integer("attempts", 1...20)
            result.firstDelay = retry.number("first", 0.01...300).map { .seconds($0) }
            result.longestDelay = retry.number("longest", 0.01...3600).map { .seconds($0) }
            if retry.has("statuses") { result.retriedStatuses = retry.list("statuses").compactMap(statusRange) }
            retry.finish()
        }
        result.failWhen = rules.list("failWhen").compactMap(failureRule)
        rules.finish()
        return result
    }

    private func statusRange(_ node: DocumentNode) -> ClosedRange<Int>? {
        if case .scalar(let text, _) = node.content {
            let ends = text.split(separator: "-").map { Int($0) }
            if let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last, (400...599).contains(first),
                (400...599).contains(last)
            {
                guard ![400, 401, 403, 404].contains(where: (first...last).contains) else {
                    problems.add(
                        node.line,
                        "`statuses` holds `\(text)`, and 400, 401, 403 and 404 are not mended by asking again. Leave them out.")
                    return nil
                }
                return first...last
            }
        }
        problems.add(node.line, "`statuses` holds \(node.kind), and has to hold statuses from 400 to 599 or ranges such as 500-599.")
        return nil
    }

    private func failureRule(_ node: DocumentNode) -> FailureRule? {
        guard let map = MapReader(node, "an item of failWhen", problems) else { return nil }
        let meaning = map.word("means", FailureRule.Meaning.self) ?? .refused
        var scope = Scope()
        scope.hasRecord = true
        let message = map.node("message").flatMap { value($0, "`message`", scope, mayBeFixed: true) }
        guard let condition = condition(node, map, scope, missing: .skip, extraKeys: ["means", "message"]) else { return nil }
        let rule = FailureRule(condition: condition, message: message, meaning: meaning)
        failures.append((node.line, rule))
        return rule
    }

    /// An address begins with https:// or with a setting of kind url or a lookup; a read's may begin with `/`.
    private func checkedAddress(_ template: Template, line: Int, _ what: String, isWhole: Bool) -> Template {
        addresses.append((line, what, template))
        let wanted = "an https address" + (isWhole ? "" : " or a path such as /v1/customers")
        switch template.pieces.first {
        case .text(let text)?:
            if text.hasPrefix("https://") {
                if text.contains("@") { problems.add(line, "\(what) holds a user name or password. Use `auth`.") }
            } else if isWhole || !text.hasPrefix("/") {
                problems.add(line, "\(what) is `\(text)`, and has to begin as \(wanted) does.")
            }
        case .name(.setting(let name))?:
            if let setting = settings[name], setting.kind != .url {
                problems.add(line, "\(what) begins with `${\(name)}`, which has to be a setting of kind url.")
            }
        case .name(.lookup)?: break
        default: problems.add(line, "\(what) has to begin as \(wanted) does.")
        }
        for piece in template.pieces {
            guard case .text(let text) = piece else { continue }
            if text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value >= 0x7F || $0 == "#" || $0 == "\\" }) {
                problems.add(line, "\(what) holds a character that an address cannot hold. Percent-encode it, or put it in `query`.")
            }
            if text.looksLikeSecret { problems.add(line, "\(what) seems to hold a secret in clear. Make it a setting of kind secret.") }
        }
        return template
    }

    /// The keys of a request: `get` or `post`, `query`, `headers`, `json`, `form`.
    func request(_ map: MapReader, _ scope: Scope, isWhole: Bool = false) -> RequestRule? {
        let (get, post) = (map.node("get"), map.node("post"))
        guard let node = get ?? post, get == nil || post == nil else {
            problems.add(map.line, "\(map.what) needs `get` or `post`: the address that is asked.")
            return nil
        }
        let method: HTTPRequest.Method = get == nil ? .post : .get
        let address = template(node, "`\(get == nil ? "post" : "get")`", scope)
            .map { checkedAddress($0, line: node.line, "the address of \(map.what)", isWhole: isWhole) }
        var body = RequestRule.Body.none
        if let node = map.node("json"), let json = jsonTemplate(node, name: "json", scope) { body = .json(json) }
        if let node = map.node("form") {
            if case .json = body { problems.add(node.line, "\(map.what) has both `json` and `form`; a request has one body.") }
            body = .form(templatePairs(problems.pairs(node, "`form`"), "the field", scope))
        }
        if method == .get, map.has("json") || map.has("form") {
            problems.add(map.line, "\(map.what) has a body, and a `get` sends none. Use `post`.")
        }
        return RequestRule(
            method: method, address: address ?? Template(literal: ""),
            query: templatePairs(map.pairs("query"), "the parameter", scope),
            headers: headers(map.pairs("headers"), scope), body: body)
    }

    func headers(_ entries: [DocumentNode.Entry], _ scope: Scope) -> [TemplatePair] {
        for entry in entries where !entry.key.contains("${") && HTTPField.Name(entry.key) == nil {
            problems.add(entry.line, "`\(entry.key)` cannot be the name of a header.")
        }
        return templatePairs(entries, "the header", scope)
    }

    func readTest(_ map: MapReader) -> (RequestRule?, Value?) {
        guard let node = map.node("test"), let test = MapReader(node, "test", problems) else { return (nil, nil) }
        let rule = request(test, .request)
        var scope = Scope()
        scope.hasRecord = true
        let shows = test.node("shows").flatMap { value($0, "`shows`", scope) }
        test.finish()
        return (rule, shows)
    }

    // MARK: auth

    func readAuth(_ map: MapReader) -> AuthRules {
        var rules = AuthRules()
        guard let node = map.node("auth"), let auth = MapReader(node, "auth", problems) else { return rules }
        var scope = Scope.request
        scope.hasToken = auth.has("token")
        rules.headers = secretPairs(auth.pairs("headers"), scope, areHeaders: true)
        rules.query = secretPairs(auth.pairs("query"), scope, areHeaders: false)
        rules.basic = auth.node("basic").flatMap { basic($0, .request) }
        signedParameters = Set(rules.query.compactMap(\.name.literal))
        rules.bearer = auth.node("bearer").flatMap { signing($0, "`bearer`", scope, .secret) }
        rules.token = auth.node("token").flatMap(self.token)
        if let node = auth.node("oauth2") {
            if auth.has("token") { problems.add(node.line, "auth has both `oauth2` and `token`; one of them fetches the token.") }
            rules.token = oauth2(node)
            rules.bearer = Template(pieces: [.name(.token)])
        }
        auth.finish()
        if !settings.values.contains(where: { $0.kind == .secret }) {
            problems.add(node.line, "auth sends what proves who asks, and there is no setting of kind secret.")
        }
        let names = (rules.headers + rules.query).flatMap(\.value.names) + (rules.bearer?.names ?? [])
        if rules.token != nil, !names.contains(.token) {
            problems.add(node.line, "auth fetches a token that nothing uses. Put `${token}` into `bearer` or `headers`.")
        }
        return rules
    }

    private func secretPairs(_ entries: [DocumentNode.Entry], _ scope: Scope, areHeaders: Bool) -> [TemplatePair] {
        for entry in entries { _ = signing(entry.value, "`\(entry.key)`", scope, proof(of: entry.key)) }
        return areHeaders ? headers(entries, scope) : templatePairs(entries, "the parameter", scope)
    }

    private func basic(_ node: DocumentNode, _ scope: Scope) -> BasicRule? {
        guard let map = MapReader(node, "basic", problems) else { return nil }
        let user = map.required("user", "the user name.").flatMap { template($0, "`user`", scope) }
        let password = map.required("password", "the password.").flatMap { signing($0, "`password`", scope, .secret) }
        map.finish()
        guard let user, let password else { return nil }
        return BasicRule(user: user, password: password)
    }

    private func lifetime(_ map: MapReader) -> Duration { .seconds(map.integer("lifetime", 60...31_536_000) ?? 600) }

    private func token(_ node: DocumentNode) -> TokenRule? {
        guard let map = MapReader(node, "auth.token", problems) else { return nil }
        let request = request(map, .request)
        let basic = map.node("basic").flatMap { self.basic($0, .request) }
        let value = path(map, "value", "the path to the token in the answer.")
        let expires = map.node("expires").flatMap { path($0, "`expires`") }
        let lifetime = lifetime(map)
        map.finish()
        guard let request, let value else { return nil }
        return TokenRule(request: request, basic: basic, value: value, expires: expires, lifetime: lifetime)
    }

    private enum Grant: String, CaseIterable {
        case clientCredentials, password
    }

    private enum ClientPlace: String, CaseIterable {
        case body, basic
    }

    /// RFC 6749 sections 4.3 and 4.4.
    private func oauth2(_ node: DocumentNode) -> TokenRule? {
        guard let map = MapReader(node, "oauth2", problems) else { return nil }
        let grant = map.required("grant", "clientCredentials or password.").flatMap { problems.word($0, "`grant`", Grant.self) }
        let address = map.required("url", "the address of the token.")
            .flatMap { node in template(node, "`url`", .request).map { checkedAddress($0, line: node.line, "`url`", isWhole: false) } }
        let client = map.node("clientId").flatMap { template($0, "`clientId`", .request) }
        // With a user's password the client proves nothing, and is often the same for everybody.
        let clientSecret = map.node("clientSecret").flatMap {
            signing($0, "`clientSecret`", .request, grant == .password ? .publicClient : .secret)
        }
        let place = map.word("clientIn", ClientPlace.self) ?? .body
        let scope = map.node("scope").flatMap { template($0, "`scope`", .request) }
        let user = map.node("user").flatMap { template($0, "`user`", .request) }
        let password = map.node("password").flatMap { signing($0, "`password`", .request, .secret) }
        let extra = templatePairs(map.pairs("extra"), "the field", .request)
        let lifetime = lifetime(map)
        map.finish()
        var fields: [TemplatePair] = []
        func add(_ name: String, _ value: Template?) {
            if let value { fields.append(TemplatePair(name: Template(literal: name), value: value)) }
        }
        switch grant {
        case .clientCredentials?:
            add("grant_type", Template(literal: "client_credentials"))
            if client == nil || clientSecret == nil {
                problems.add(map.line, "oauth2 with grant clientCredentials needs `clientId` and `clientSecret`.")
            }
            if user != nil || password != nil {
                problems.add(map.line, "oauth2 with grant clientCredentials has no `user` and `password`.")
            }
        case .password?:
            add("grant_type", Template(literal: "password"))
            add("username", user)
            add("password", password)
            if user == nil || password == nil { problems.add(map.line, "oauth2 with grant password needs `user` and `password`.") }
        case nil: return nil
        }
        var basic: BasicRule?
        if place == .basic {
            if let client, let clientSecret { basic = BasicRule(user: client, password: clientSecret) }
        } else {
            add("client_id", client)
            add("client_secret", clientSecret)
        }
        add("scope", scope)
        guard let address,
            let value = constantPath("$.access_token"), let expires = constantPath("$.expires_in")
        else { return nil }
        let request = RequestRule(method: .post, address: address, query: [], headers: [], body: .form(fields + extra))
        return TokenRule(request: request, basic: basic, value: value, expires: expires, lifetime: lifetime)
    }

    private func constantPath(_ text: String) -> JSONPath? {
        path(DocumentNode(line: 1, content: .scalar(text, isQuoted: true)), "the token")
    }
}

extension String {
    /// Letters, digits, `-` and dots, as RFC 1123 section 2.1 has it.
    var isHostName: Bool {
        utf8.count <= 253 && !isEmpty
            && split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { $0 == UInt8(ascii: "-") || $0.isASCIIDigit || $0.isASCIILetter }
            }
    }
}
