/// One rule for names that people read: what a page, a file or a terminal would not show as what it is, is no part of a name.
extension Unicode.Scalar {
    /// No control character, no line end, nothing that turns the direction of what follows (UAX #9), and nothing that is not seen at all
    /// (Unicode's Default_Ignorable_Code_Point, such as U+200B, U+FEFF, U+00AD and the tag characters; U+FFF9 to U+FFFB): two names that
    /// look the same would not be the same. Variation selectors choose how the character before is drawn and stay.
    public var isShowable: Bool {
        if isASCII { return (0x20..<0x7F).contains(value) }
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: return false
        default: break
        }
        if (0xFFF9...0xFFFB).contains(value) { return false }
        // All Bidi_Control characters are of the kind.
        return !properties.isDefaultIgnorableCodePoint || properties.isVariationSelector
    }

    /// U+200C and U+200D: Persian, the scripts of India and emoji of several people are written with them.
    fileprivate var isJoiner: Bool { value == 0x200C || value == 0x200D }

    /// For messages, such as `U+202E (RIGHT-TO-LEFT OVERRIDE)`.
    public var called: String {
        let digits = String(value, radix: 16, uppercase: true)
        let number = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return (properties.name ?? properties.nameAlias).map { "\(number) (\($0))" } ?? number
    }
}

extension String {
    /// Each character, and whether it is part of a name. A joiner (U+200C, U+200D) is after a character that is not ASCII: no script of
    /// ASCII letters needs one, and there it only hides.
    private func judged(_ body: (_ scalar: Unicode.Scalar, _ isShowable: Bool) -> Void) {
        var before: Unicode.Scalar = " "
        for scalar in unicodeScalars {
            body(scalar, scalar.isShowable || scalar.isJoiner && !before.isASCII)
            before = scalar
        }
    }

    /// The first character that is no part of a name; nil when all are.
    /// - Parameter inLines: tabs and line ends are fine, as in a description.
    private func unshowable(inLines: Bool) -> Unicode.Scalar? {
        var found: Unicode.Scalar?
        judged { scalar, isShowable in
            if found == nil, !isShowable, !(inLines && ["\n", "\r", "\t"].contains(scalar)) { found = scalar }
        }
        return found
    }

    public var isShowable: Bool { unshowable(inLines: false) == nil }

    /// What is wrong with a name, as the end of a sentence; nil when nothing is.
    /// - Parameter inLines: tabs and line ends are fine, as in a description.
    public func showingProblem(inLines: Bool = false) -> String? {
        unshowable(inLines: inLines).map {
            "holds the character \($0.called), which is not seen, breaks the line or turns the text around it. Leave it out."
        }
    }

    /// Without what is no part of a name.
    public var showable: String {
        var kept = String.UnicodeScalarView()
        judged { scalar, isShowable in if isShowable { kept.append(scalar) } }
        return String(kept)
    }

    /// On one line of a terminal, with a space for what cannot be shown there.
    public var onOneLine: String {
        var kept = String.UnicodeScalarView()
        judged { scalar, isShowable in kept.append(isShowable ? scalar : " ") }
        return String(kept)
    }

    /// For people's eyes and for Synthesize: what is no part of a name is left out; what parts words, such as tabs and line ends, becomes
    /// one space.
    var withoutControls: String {
        // Nearly all texts are without, and are told by their bytes.
        if utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) || isShowable { return self }
        var kept = String.UnicodeScalarView()
        var isGap = false
        judged { scalar, isShowable in
            guard isShowable else {
                isGap = isGap || scalar.properties.isWhitespace
                return
            }
            if isGap, !kept.isEmpty { kept.append(" ") }
            isGap = false
            kept.append(scalar)
        }
        return String(kept)
    }
}
