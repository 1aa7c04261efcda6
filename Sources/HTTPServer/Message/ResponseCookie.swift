import HTTPTypes

/// A cookie to set (RFC 6265 section 4.1). Without `maxAge` it lasts as long as the browser's session.
public struct ResponseCookie: Sendable {
    public enum SameSite: String, Sendable {
        case strict = "Strict"
        case lax = "Lax"
        case none = "None"
    }

    public let name: String
    public let value: String
    public var path: String? = "/"
    /// Seconds; 0 removes the cookie.
    public var maxAge: Int?
    public var isSecure = true
    public var isHTTPOnly = true
    public var sameSite: SameSite = .lax
    /// Kept apart for each site that frames this one (CHIPS, draft-cutler-httpbis-partitioned-cookies). Needs `Secure`.
    public var isPartitioned = false

    /// Nil unless the name is a token and the value is made of cookie octets: no blanks, quotes, commas, semicolons or
    /// backslashes.
    public init?(name: String, value: String) {
        guard !name.isEmpty, name.utf8.allSatisfy(ASCIISet.token.contains),
            value.utf8.allSatisfy(ASCIISet.cookieValue.contains)
        else { return nil }
        self.name = name
        self.value = value
    }

    /// The value of `Set-Cookie`. A path with a semicolon is left out, as it would add attributes.
    public var headerValue: String {
        var text = "\(name)=\(value)"
        if let path, !path.utf8.contains(UInt8(ascii: ";")) { text += "; Path=\(path)" }
        if let maxAge { text += "; Max-Age=\(maxAge)" }
        if isSecure { text += "; Secure" }
        if isHTTPOnly { text += "; HttpOnly" }
        return text + "; SameSite=\(sameSite.rawValue)" + (isPartitioned ? "; Partitioned" : "")
    }
}

extension Response {
    /// Adds a `Set-Cookie` line; several cookies are several lines (RFC 6265 section 3).
    public mutating func setCookie(_ cookie: ResponseCookie) {
        headerFields.append(HTTPField(name: .setCookie, value: cookie.headerValue))
    }
}
