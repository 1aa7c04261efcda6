import CLibcurl

/// A libcurl easy handle, used for one transfer after the other. Options that are the same for every
/// request are set once, all others for each: setting is a good part of what a small request costs.
///
/// Belongs to the transfer thread.
final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    let proxies: ProxyChoice
    private let errorText: UnsafeMutablePointer<CChar>
    /// Owned; libcurl reads it until the transfer has ended.
    private var headerList: UnsafeMutablePointer<curl_slist>?

    init(options: EasyHandleOptions) throws(LibcurlFailure) {
        guard let pointer = curl_easy_init() else { throw LibcurlFailure(text: "no handle could be made") }
        self.pointer = pointer
        proxies = options.proxies
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try setConstantOptions(options)
    }

    deinit {
        curl_easy_cleanup(pointer)
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    private func setConstantOptions(_ options: EasyHandleOptions) throws(LibcurlFailure) {
        try set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorText))
        // Threads and signals do not mix; the resolver has its own thread.
        try set(CURLOPT_NOSIGNAL, 1)
        // Dropping a transfer must not wait for a silent name server: with this the resolver's thread ends by
        // itself, without it curl_multi_remove_handle joins it, and every other transfer stands still (10 s,
        // measured with libcurl 7.88 and two attempts of 5 s).
        try set(CURLOPT_QUICK_EXIT, 1)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        // Redirects are the client's own business (RedirectRule): libcurl's would carry GRADIENT-TOKEN along.
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_HTTP09_ALLOWED, 0)
        try set(CURLOPT_PATH_AS_IS, 1)

        try set(CURLOPT_SSL_VERIFYPEER, 1)
        try set(CURLOPT_SSL_VERIFYHOST, 2)
        try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let caFile = options.caFile {
            try set(CURLOPT_CAINFO, caFile)
            // The folder of the system's authorities would still be trusted beside it.
            try set(CURLOPT_CAPATH, nil)
        }

        try set(CURLOPT_USERAGENT, options.userAgent)
        try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        try set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
        try Libcurl.check(perch_easy_set_open_socket_callback(pointer, openSocket))
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        // AWS's load balancers close a connection that was idle for 60 s: let go of it before they do, so
        // that no request meets the closing.
        try set(CURLOPT_MAXAGE_CONN, 50)

        try Libcurl.check(perch_easy_set_data_callback(pointer, CURLOPT_HEADERFUNCTION, takeHeadLine))
        try Libcurl.check(perch_easy_set_data_callback(pointer, CURLOPT_WRITEFUNCTION, takeBody))
        try Libcurl.check(perch_easy_set_prerequest_callback(pointer, beforeRequest))
    }

    /// Sets everything that differs between requests: nothing of the one before may be left.
    ///
    /// - Parameter context: handed to the callbacks; has to stay valid until `clear()`.
    func prepare(
        _ request: PreparedRequest, remaining: Duration, context: UnsafeMutableRawPointer
    ) throws(LibcurlFailure) {
        errorText.pointee = 0
        try set(CURLOPT_HEADERDATA, context)
        try set(CURLOPT_WRITEDATA, context)
        try set(CURLOPT_PREREQDATA, context)
        try set(CURLOPT_PRIVATE, context)
        try set(CURLOPT_OPENSOCKETDATA, context)

        if request.destinations == nil {
            try set(CURLOPT_PROXY, nil)
            try set(CURLOPT_NOPROXY, nil)
        } else {
            // Chosen here, because the rule has to know. An empty text keeps libcurl from choosing one itself.
            try set(CURLOPT_PROXY, proxies.proxy(for: request.url.origin) ?? "")
            try set(CURLOPT_NOPROXY, "")
        }

        let isTLS = request.url.origin.scheme == .https
        try set(CURLOPT_URL, request.url.text)
        try set(CURLOPT_HTTP_VERSION, Int(isTLS ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1))
        // Wait for the first handshake with a host to tell whether it speaks HTTP/2, rather than open
        // one connection a request. In the clear there is nothing to wait for.
        try set(CURLOPT_PIPEWAIT, isTLS ? 1 : 0)
        try set(CURLOPT_TIMEOUT_MS, remaining.wholeMilliseconds)
        try set(CURLOPT_CONNECTTIMEOUT_MS, request.limits.connectTimeout.wholeMilliseconds)

        try setMethod(request)
        // Refuses by the announced length before the first byte; `AnswerCollector` counts what really comes.
        // The announced length of an answer to HEAD is not that of a body, and 0 means no limit.
        let limit = request.method == .head ? 0 : request.limits.maximumAnswerBytes
        try Libcurl.check(perch_easy_set_offset(pointer, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(limit)))
        try setHeaderLines(request.headerLines)
    }

    private func setMethod(_ request: PreparedRequest) throws(LibcurlFailure) {
        // Also takes back NOBODY and POST of the request before.
        try set(CURLOPT_HTTPGET, 1)
        try set(CURLOPT_CUSTOMREQUEST, nil)
        switch request.method {
        case .get where request.body == nil:
            return
        case .head:
            try set(CURLOPT_NOBODY, 1)
            return
        case .post:
            break
        default:
            try set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
        // Methods that are defined with a body say `Content-Length: 0` when they have none (RFC 9110
        // section 8.6).
        let expectsBody = request.method == .post || request.method == .put || request.method == .patch
        guard let body = request.body ?? (expectsBody ? [] : nil) else { return }
        try set(CURLOPT_POST, 1)
        try Libcurl.check(perch_easy_set_offset(pointer, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
        let code = body.withUnsafeBufferPointer { bytes in
            // libcurl makes a copy of POSTFIELDSIZE bytes. An empty array may have no address.
            if let address = bytes.baseAddress, !bytes.isEmpty {
                perch_easy_set_pointer(pointer, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: address))
            } else {
                perch_easy_set_string(pointer, CURLOPT_COPYPOSTFIELDS, "")
            }
        }
        try Libcurl.check(code)
    }

    private func setHeaderLines(_ lines: [UInt8]) throws(LibcurlFailure) {
        var list: UnsafeMutablePointer<curl_slist>?
        let isComplete = lines.withUnsafeBufferPointer { bytes in
            var rest = bytes[...]
            while let address = UnsafeBufferPointer(rebasing: rest).baseAddress, let end = rest.firstIndex(of: 0) {
                // libcurl copies up to the NUL.
                guard let longer = address.withMemoryRebound(to: CChar.self, capacity: rest.count, { curl_slist_append(list, $0) })
                else { return false }
                list = longer
                rest = rest[(end + 1)...]
            }
            return true
        }
        headerList = list
        guard isComplete else { throw LibcurlFailure(text: "no memory for the header fields") }
        try Libcurl.check(perch_easy_set_list(pointer, CURLOPT_HTTPHEADER, list))
    }

    /// Forgets the request and its context, which holds a token and a body. Only once the handle is out of
    /// the multi handle.
    func clear() {
        // Taking options back allocates nothing and cannot fail (curl_easy_setopt(3) names no error for it).
        _ = perch_easy_set_list(pointer, CURLOPT_HTTPHEADER, nil)
        curl_slist_free_all(headerList)
        headerList = nil
        _ = perch_easy_set_pointer(pointer, CURLOPT_POSTFIELDS, nil)
        for option in [
            CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_PREREQDATA, CURLOPT_OPENSOCKETDATA, CURLOPT_PRIVATE,
        ] {
            _ = perch_easy_set_pointer(pointer, option, nil)
        }
    }

    /// What libcurl noted of the last failure.
    var errorDetail: String { String(cString: errorText) }

    /// A number libcurl keeps of the last transfer, 0 where it has none.
    func information(_ key: CURLINFO) -> Int {
        var value = 0
        guard perch_easy_get_long(pointer, key, &value) == CURLE_OK else { return 0 }
        return value
    }

    private func set(_ option: CURLoption, _ value: Int) throws(LibcurlFailure) {
        try Libcurl.check(perch_easy_set_long(pointer, option, value))
    }

    private func set(_ option: CURLoption, _ value: String?) throws(LibcurlFailure) {
        try Libcurl.check(perch_easy_set_string(pointer, option, value))
    }

    private func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer) throws(LibcurlFailure) {
        try Libcurl.check(perch_easy_set_pointer(pointer, option, value))
    }
}

/// What is the same for every transfer of a client.
struct EasyHandleOptions: Sendable {
    var caFile: String?
    var userAgent: String
    var proxies: ProxyChoice
}

extension Duration {
    /// Rounded up, at least 1 (0 means no limit to libcurl) and at most 20 days (libcurl takes no more than
    /// an `int` of milliseconds, 24.8 days).
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < 1_728_000 else { return 1_728_000_000 }
        return max(1, Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}
