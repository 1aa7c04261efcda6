/// A promise that does not hold, and what was seen instead.
struct BrokenProperty: Error, CustomStringConvertible {
    let description: String
}

func require(_ holds: Bool, _ description: @autoclosure () -> String) throws(BrokenProperty) {
    guard !holds else { return }
    throw BrokenProperty(description: description())
}

/// Bytes as a person can read them in a report.
func shown(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self).debugDescription
}
