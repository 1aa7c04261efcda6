/// Text compared byte by byte.
///
/// Swift takes two spellings of one accented letter as equal; a server that looks ids up in a
/// database does not, and auto-mapping is character for character (contract section 8). Ids and
/// names that come from outside are keyed by this.
struct WireText: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: WireText, right: WireText) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
