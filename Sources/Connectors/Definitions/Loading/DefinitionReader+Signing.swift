extension DefinitionReader {
    /// What a text in `auth` has to be made of.
    enum Proof {
        /// Proves who asks, so a setting of kind secret is in it.
        case secret
        /// The secret of a client that the vendor may have published for everybody (RFC 6749 section 2.1, "public").
        case publicClient
        /// Beside what proves.
        case any
    }

    /// A text of `auth`: never in clear, and what proves who asks comes from a secret.
    func signing(_ node: DocumentNode, _ what: String, _ scope: Scope, _ proof: Proof) -> Template? {
        guard let template = template(node, what, scope) else { return nil }
        if template.literal != nil {
            problems.add(
                node.line,
                "\(what) is a secret in clear. Make it a setting of kind secret, or, when the vendor publishes it for everybody, a constant."
            )
            return template
        }
        guard proof != .any, !template.names.contains(where: mayBeSecret) else { return template }
        if isOfConstants(template), proof == .publicClient { return template }
        let names = template.names.map { "`\(Template(pieces: [.name($0)]).shown)`" }.joined(separator: ", ")
        problems.add(
            node.line,
            isOfConstants(template)
                ? "\(what) proves who asks, and the constant \(names) can be read by everybody. Use a setting of kind secret."
                : "\(what) proves who asks, so one of \(names) has to be a setting of kind secret.")
        return template
    }

    /// What a header or a parameter of `auth` has to be made of, by its name.
    func proof(of name: String) -> Proof { name.namesSecret || name.lowercased().hasSuffix("key") ? .secret : .any }

    private func mayBeSecret(_ name: Template.Name) -> Bool {
        switch name {
        case .setting(let name): settings[name]?.kind == .secret
        case .token, .lookup: true
        default: false
        }
    }

    /// Whether constants alone fill it.
    private func isOfConstants(_ template: Template) -> Bool {
        !template.names.isEmpty
            && template.names.allSatisfy { if case .setting(let name) = $0 { constants[name] != nil } else { false } }
    }

    /// What everybody can read of a template: its text when nothing, or only constants, is filled in.
    func openText(_ template: Template) -> String? {
        guard template.literal == nil else { return template.literal }
        guard isOfConstants(template) else { return nil }
        return template.pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .name(.setting(let name)): constants[name] ?? ""
            case .name: ""
            }
        }.joined()
    }

    // MARK: Names in the environment

    /// What the system, the libraries or Perch itself read from the environment.
    private static let takenNames: Set<String> = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR", "TMP", "TEMP", "IFS",
        "ENV",
        "HOSTNAME", "MAIL", "EDITOR", "VENDOR_API_KEY", "PARTNER_API_KEY",
    ]
    private static let takenBeginnings = ["PERCH_", "LD_", "DYLD_", "LC_", "SSL_", "CURL_", "SWIFT_", "XDG_", "MALLOC_", "ASAN_"]

    /// - Parameter line: of the name, or of the setting that it is made of.
    func checkEnvironmentName(_ name: String, of setting: String, line: Int) {
        let isWord =
            name.utf8.first.map { !$0.isASCIIDigit } ?? false
            && name.utf8.allSatisfy { $0 == UInt8(ascii: "_") || $0.isASCIIDigit || (0x41...0x5A).contains($0) }
        if !isWord {
            problems.add(line, "`environment` is `\(name)`, and has to be capitals, digits and `_`, no digit first.")
        } else if Self.takenNames.contains(name) || name.hasSuffix("_PROXY") || Self.takenBeginnings.contains(where: name.hasPrefix) {
            problems.add(
                line, "`environment` is `\(name)`, which the system or Perch itself uses. Give `\(setting)` another `environment`.")
        }
        if let other = environmentNames.updateValue(setting, forKey: name) {
            problems.add(
                line,
                "The settings `\(other)` and `\(setting)` have the same name in the environment, `\(name)`. Give one another `environment`."
            )
        }
    }
}

extension String {
    /// Whether it is the name of what nobody else may know.
    var namesSecret: Bool {
        let name = lowercased().replacing("_", with: "").replacing("-", with: "")
        let words = [
            "secret", "password", "passwd", "token", "apikey", "subscriptionkey", "privatekey", "accesskey", "authorization",
        ]
        let isOfKind = words.contains { name.reversed().drop(while: \.isNumber).reversed().ends(with: $0) }
        return isOfKind && !name.hasPrefix("public")
    }

    /// Whether it, or a part of it, looks like a key: one of the forms that known services give theirs, or 24 letters and digits or more,
    /// mixed as a machine does.
    var looksLikeSecret: Bool {
        let beginnings = [
            "sk_live_", "sk_test_", "rk_live_", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AKIA", "ASIA", "AIza",
            "eyJ", "SG.", "-----BEGIN",
        ]
        if utf8.count >= 16, beginnings.contains(where: hasPrefix) { return true }
        return utf8.split(whereSeparator: { !($0.isASCIILetter || $0.isASCIIDigit || [0x2B, 0x2F, 0x3D, 0x5F, 0x2D].contains($0)) })
            .contains { run in
                run.count >= 24 && run.count(where: \.isASCIIDigit) >= 4 && run.count(where: \.isASCIILetter) >= 4 && Set(run).count >= 10
            }
    }
}

extension Sequence<Character> {
    fileprivate func ends(with word: String) -> Bool { String(self).hasSuffix(word) }
}
