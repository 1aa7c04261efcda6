/// Addresses that an answer names, as RFC 3986 section 5.2 resolves them.
enum URLReference {
    /// - Parameter base: an absolute http(s) address, that of the answer.
    /// - Returns: an absolute http(s) address without fragment; nil when the reference leads to something else.
    static func resolve(_ reference: String, against base: String) -> String? {
        let reference = reference.prefix { $0 != "#" }
        if let scheme = scheme(of: reference) {
            guard ["http", "https"].contains(scheme.lowercased()), reference.dropFirst(scheme.count).hasPrefix("://") else { return nil }
            return String(reference)
        }
        guard let start = base.range(of: "://") else { return nil }
        if reference.hasPrefix("//") { return base[..<start.lowerBound] + ":" + reference }
        let pathStart = base[start.upperBound...].firstIndex { "/?#".contains($0) } ?? base.endIndex
        let (origin, rest) = (base[..<pathStart], base[pathStart...].prefix { $0 != "#" })
        if reference.isEmpty { return String(origin + rest) }
        let path = rest.prefix { $0 != "?" }
        if reference.hasPrefix("?") { return String(origin + path + reference) }
        let query = reference.firstIndex(of: "?") ?? reference.endIndex
        let before = reference.hasPrefix("/") ? "" : path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex) + "/"
        return origin + withoutDots(before + reference[..<query]) + reference[query...]
    }

    /// Section 3.1; nil when the text before a colon is none.
    private static func scheme(of reference: Substring) -> Substring? {
        guard let colon = reference.firstIndex(of: ":") else { return nil }
        let scheme = reference[..<colon]
        guard scheme.utf8.first?.isASCIILetter == true,
            scheme.utf8.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || "+-.".utf8.contains($0) })
        else { return nil }
        return scheme
    }

    /// Section 5.2.4, for a path that begins with `/`.
    private static func withoutDots(_ path: some StringProtocol) -> String {
        var kept: [Substring] = []
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { Substring($0) }
        for (position, segment) in segments.enumerated() {
            let isLast = position == segments.count - 1
            switch segment {
            case ".": if isLast { kept.append("") }
            case "..":
                _ = kept.popLast()
                if isLast { kept.append("") }
            default: kept.append(segment)
            }
        }
        return "/" + kept.joined(separator: "/")
    }
}
