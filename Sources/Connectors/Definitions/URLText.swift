extension String {
    var urlScheme: String? { range(of: "://").map { self[..<$0.lowerBound].lowercased() } }

    /// The host of an absolute URL, lower case; nil when there is none or a user name stands before it.
    var urlHost: String? {
        guard let start = range(of: "://") else { return nil }
        let authority = self[start.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" && $0 != "\\" }
        guard !authority.contains("@") else { return nil }
        let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        return host.isEmpty ? nil : host.lowercased()
    }

    func trimmingTrailingSlashes() -> String {
        var text = self
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }
}
