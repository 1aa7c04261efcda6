/// What a request is for, for messages and the trace.
enum RequestPurpose: Sendable, Hashable {
    /// - account: whose it is, in a read for accounts.
    case read(String, account: String?)
    case token, test
    /// No request: what is made of all of them.
    case counts

    /// A read's name, `token` or `test`.
    var name: String {
        switch self {
        case .read(let name, _): name
        case .token: "token"
        case .test: "test"
        case .counts: "counts"
        }
    }

    /// At the beginning of a detail: `seats of Acme`.
    var subject: String {
        if case .read(let name, let account?) = self { "\(name) of \(account)" } else { name }
    }

    /// For logs, where no customer is named: `the read seats`.
    var textForLog: String {
        if case .read(let name, _) = self { "the read \(name)" } else { text }
    }

    /// Within a sentence: `the read seats of Acme`.
    var text: String {
        switch self {
        case .read: "the read \(subject)"
        case .token: "the request for a token"
        case .test: "the test request"
        case .counts: "the counts"
        }
    }
}
