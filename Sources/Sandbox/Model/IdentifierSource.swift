import Foundation

/// Makes ids, keys and message ids from a seed: the same seed and the same calls give the same ids,
/// so that a simulated history can be played again.
struct IdentifierSource: Sendable {
    /// SplitMix64 (Steele, Lea, Flood 2014): one word of state, enough for ids that need to be
    /// distinct and to look right. Nothing in the sandbox is worth guarding.
    private var state: UInt64
    private let machine: UInt64
    private var counter: UInt32

    init(seed: UInt64) {
        state = seed
        machine = Self.next(&state) & 0xFF_FFFF_FFFF
        counter = UInt32(truncatingIfNeeded: Self.next(&state)) & 0xFF_FFFF
    }

    private static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// 24 hexadecimal digits built as MongoDB builds its ids: seconds, a number for the machine, a
    /// counter. Contract section 2 notes that Gradient's ids have this look.
    mutating func objectID(at now: Date) -> String {
        counter = (counter + 1) & 0xFF_FFFF
        let seconds = UInt32(truncatingIfNeeded: Int64(now.timeIntervalSince1970))
        return hexadecimal(UInt64(seconds), digits: 8) + hexadecimal(machine, digits: 10)
            + hexadecimal(UInt64(counter), digits: 6)
    }

    /// 36 characters in the shape of a random UUID (RFC 9562, version 4): API keys and message ids.
    mutating func uuid() -> String {
        let high = Self.next(&state) & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = Self.next(&state) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        let digits = hexadecimal(high, digits: 16) + hexadecimal(low, digits: 16)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    /// A number from 0 up to 1, for what happens by chance: from the same seed as the ids.
    mutating func uniform() -> Double { Double(Self.next(&state) >> 11) / 9_007_199_254_740_992 }

    private func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
