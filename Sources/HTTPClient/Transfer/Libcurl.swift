import CLibcurl

/// The library itself, and the few calls whose failure means that something is wrong with it.
enum Libcurl {
    /// Once a process, before anything else (curl_global_init(3)); thread-safe as Swift initialises it.
    private static let globalInitialisation: CURLcode = curl_global_init(Int(CURL_GLOBAL_SSL))

    static func initialise() throws(LibcurlFailure) {
        try check(globalInitialisation)
    }

    static func check(_ code: CURLcode) throws(LibcurlFailure) {
        guard code == CURLE_OK else { throw LibcurlFailure(text: String(cString: curl_easy_strerror(code))) }
    }

    static func check(_ code: CURLMcode) throws(LibcurlFailure) {
        guard code == CURLM_OK else { throw LibcurlFailure(text: String(cString: curl_multi_strerror(code))) }
    }
}

/// libcurl refused an option or a handle, in its own fixed words.
struct LibcurlFailure: Error {
    var text: String

    var clientError: HTTPClientError {
        HTTPClientError(code: .libraryFailed, delivery: .neverSent, message: "libcurl failed: \(text).")
    }
}
