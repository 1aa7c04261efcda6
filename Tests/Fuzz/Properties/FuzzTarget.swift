/// The surfaces that read what strangers send. Each takes any bytes and says which promise they broke; the fuzzer calls it with
/// bytes it invents, the tests with the seeds in `Seeds/<name>` and mutations of them.
enum FuzzTarget: String, CaseIterable, Sendable {
    case requestHead = "request-head"
    case chunkedBody = "chunked-body"
    case formAndQuery = "form-and-query"
    case cookies
    case headerValues = "header-values"
    case multipartForm = "multipart-form"

    func check(_ bytes: [UInt8]) throws(BrokenProperty) {
        switch self {
        case .requestHead: try checkRequestHead(bytes)
        case .chunkedBody: try checkChunkedBody(bytes)
        case .formAndQuery: try checkFormAndQuery(bytes)
        case .cookies: try checkCookies(bytes)
        case .headerValues: try checkHeaderValues(bytes)
        case .multipartForm: try checkMultipartForm(bytes)
        }
    }

    /// One cut at every place: too slow for the fuzzer, right for a seed.
    func checkEveryCut(_ bytes: [UInt8]) throws(BrokenProperty) {
        switch self {
        case .requestHead: try checkCuts(bytes, from: 1, limits: fuzzLimits())
        case .chunkedBody: try checkCuts(chunkedStream(bytes), from: chunkedStream([]).count, limits: fuzzLimits())
        case .formAndQuery, .cookies, .headerValues, .multipartForm: break  // taken whole
        }
    }
}
