import Foundation

/// Which certificate authorities are trusted.
enum CertificateAuthorities {
    /// The file to give to libcurl, `nil` for the system's own choice.
    ///
    /// libcurl, unlike its command-line tool, does not read `SSL_CERT_FILE`; and a file that is missing would
    /// only show at the first request. So both are dealt with here.
    static func file(configured: String?, environment: [String: String]) throws(HTTPClientError) -> String? {
        let (source, path): (String, String)
        if let configured {
            (source, path) = ("the configured CA file", configured)
        } else if let named = environment["SSL_CERT_FILE"], !named.isEmpty {
            (source, path) = ("the CA file that SSL_CERT_FILE names", named)
        } else {
            return nil
        }
        let content: Data
        do {
            content = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw .invalidConfiguration("\(source) \(path) cannot be read: \(error.localizedDescription)")
        }
        guard content.range(of: Data("-----BEGIN ".utf8)) != nil else {
            throw .invalidConfiguration("\(source) \(path) holds no certificate in PEM form")
        }
        return path
    }
}

extension HTTPClientConfiguration {
    func check() throws(HTTPClientError) {
        if let problem = limits.problem { throw .invalidConfiguration(problem) }
        guard maximumConnectionsPerHost > 0, maximumConnections > 0 else {
            throw .invalidConfiguration("the client needs at least one connection")
        }
        guard userAgent.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw .invalidConfiguration("the user agent holds a line break or another character outside printable ASCII")
        }
    }
}

extension HTTPClientError {
    fileprivate static func invalidConfiguration(_ problem: String) -> HTTPClientError {
        HTTPClientError(
            code: .invalidConfiguration, delivery: .neverSent, message: "The HTTP client cannot be set up: \(problem).")
    }
}
