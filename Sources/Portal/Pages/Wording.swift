import Foundation
import Store

/// Numbers and durations in words.
enum Wording {
    /// With thousands grouped: "1,204".
    static func number(_ value: Int) -> String {
        value.formatted(.number.locale(locale))
    }

    /// At most two decimals: "1,204" or "12.5".
    static func number(_ value: Decimal) -> String {
        value.formatted(.number.locale(locale).precision(.fractionLength(0...2)))
    }

    /// "1 account", "1,204 accounts"; the plural may be given.
    static func count(_ value: Int, _ singular: String, _ plural: String? = nil) -> String {
        "\(number(value)) \(value == 1 ? singular : plural ?? singular + "s")"
    }

    /// The two largest units: "under a second", "12 s", "3 min 20 s", "1 h 5 min", "2 d 3 h".
    static func duration(_ interval: TimeInterval) -> String {
        let seconds = Int(max(0, interval).rounded())
        guard seconds > 0 else { return "under a second" }
        let units = [(86400, "d"), (3600, "h"), (60, "min"), (1, "s")]
        let first = units.firstIndex { seconds >= $0.0 } ?? units.count - 1
        var rest = seconds
        var parts: [String] = []
        for (size, name) in units[first..<min(first + 2, units.count)] {
            if rest / size > 0 { parts.append("\(rest / size) \(name)") }
            rest %= size
        }
        return parts.joined(separator: " ")
    }

    /// "A", "A and B", "A, B and C".
    static func list(_ parts: [String]) -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " and " + last
    }

    /// "billable users (version 2)"; the first version goes without saying.
    static func basis(_ basis: LineBasis) -> String {
        basis.version == 1 ? basis.name : "\(basis.name) (version \(basis.version))"
    }

    private static let locale = Locale(identifier: "en_US")
}
