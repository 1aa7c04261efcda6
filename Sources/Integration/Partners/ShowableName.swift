extension Unicode.Scalar {
    /// Whether a page, a file and a terminal show it as what it is: no control character, no line end, and nothing that turns the
    /// direction of what follows (UAX #9), with which a name would rewrite what stands beside it.
    fileprivate var isShowable: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: false
        default: !properties.isBidiControl
        }
    }
}

extension String {
    public var isShowable: Bool { unicodeScalars.allSatisfy(\.isShowable) }

    /// Without what cannot be shown.
    var showable: String { String(String.UnicodeScalarView(unicodeScalars.filter(\.isShowable))) }
}
