import CLibcurl
import HTTPTypes

/// What follows from an answer that sends the request elsewhere (RFC 9110 section 15.4).
enum RedirectRule {
    /// The request to ask next, or `nil` when `head` is the answer.
    ///
    /// - Parameter followed: how many redirects this request has followed already.
    static func next(
        after head: AnswerHead, to request: PreparedRequest, followed: Int
    ) throws(HTTPClientError) -> PreparedRequest? {
        guard request.limits.maximumRedirects > 0, request.method == .get || request.method == .head,
            [301, 302, 303, 307, 308].contains(head.status), let location = head.fields[.location]
        else { return nil }

        let origin = request.url.origin
        func refusal(_ reason: String) -> HTTPClientError {
            HTTPClientError(
                code: .redirectRefused, delivery: .answered(status: head.status),
                message: "\(origin.hostAndPort) redirects the request, and the redirect is not followed: \(reason).")
        }

        guard followed < request.limits.maximumRedirects else {
            throw refusal("\(followed) were followed already, no more are allowed")
        }
        guard let text = resolve(location, against: request.url) else { throw refusal("its target is not a URL") }
        let target: RequestURL
        do {
            target = try RequestURL(text)
        } catch {
            throw refusal("of its target URL, \(error.message)")
        }
        guard origin.scheme == .http || target.origin.scheme == .https else {
            throw refusal("it leads from https to http")
        }
        if let problem = request.destinations?.refusal(of: target.origin) { throw refusal(problem) }
        return try request.redirected(to: target)
    }

    /// Resolves a URL reference (RFC 3986 section 5.2) with libcurl's own URL parser, so that what is
    /// checked here is what will be connected to. A fragment is the reader's and is dropped.
    private static func resolve(_ location: String, against base: RequestURL) -> String? {
        guard let url = curl_url() else { return nil }
        defer { curl_url_cleanup(url) }
        let flags = UInt32(CURLU_NON_SUPPORT_SCHEME)
        guard curl_url_set(url, CURLUPART_URL, base.text, flags) == CURLUE_OK,
            curl_url_set(url, CURLUPART_URL, location, flags | UInt32(CURLU_URLENCODE)) == CURLUE_OK,
            curl_url_set(url, CURLUPART_FRAGMENT, nil, 0) == CURLUE_OK
        else { return nil }
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
