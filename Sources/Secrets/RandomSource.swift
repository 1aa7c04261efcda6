import Foundation
import Synchronization

/// Where all randomness comes from, so that a test can repeat a history.
public struct RandomSource: Sendable {
    private let source: @Sendable (Int) -> [UInt8]

    /// - Parameter bytes: returns exactly as many bytes as asked for.
    public init(bytes: @escaping @Sendable (Int) -> [UInt8]) {
        source = bytes
    }

    /// The kernel's generator (`getrandom`): the live dependency.
    public static let system = RandomSource { count in
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// The same bytes for the same seed, for tests and simulation; never for keys that matter.
    public static func seeded(_ seed: UInt64) -> RandomSource {
        let generator = SplitMix(seed: seed)
        return RandomSource { generator.bytes($0) }
    }

    public func bytes(_ count: Int) -> [UInt8] {
        source(count)
    }

    /// Random bytes as base64url without padding (RFC 4648 section 5); 32 bytes make 43 characters.
    public func token(bytes count: Int = 32) -> String {
        Data(source(count)).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// The prefix as given, such as `par_`, and 20 characters of the lower-case base32 alphabet (100 random bits). It tells
    /// nothing of when it was made.
    public func identifier(prefix: String) -> String {
        // 256 is a multiple of 32, so the remainder is as evenly spread as the bytes.
        prefix + String(decoding: source(20).map { Self.base32[Int($0 % 32)] }, as: UTF8.self)
    }

    /// Evenly spread in 0..<1, in steps of 2⁻⁵³.
    public func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Evenly spread in 0..<bound.
    /// - Precondition: `bound` is at least 1.
    public func number(below bound: Int) -> Int {
        precondition(bound > 0, "no number is below \(bound) and not negative")
        let bound = UInt64(bound)
        // Draws from the last, incomplete multiple of the bound would favour small numbers.
        let limit = UInt64.max - UInt64.max % bound
        while true {
            let draw = next()
            if draw < limit { return Int(draw % bound) }
        }
    }

    private func next() -> UInt64 {
        source(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static let base32 = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and good enough to spread test cases.
private final class SplitMix: Sendable {
    private let state: Mutex<UInt64>

    init(seed: UInt64) {
        state = Mutex(seed)
    }

    func bytes(_ count: Int) -> [UInt8] {
        state.withLock { state in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(count + 7)
            while bytes.count < count {
                state &+= 0x9E37_79B9_7F4A_7C15
                var word = state
                word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
                word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
                word ^= word >> 31
                withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
            }
            return Array(bytes.prefix(count))
        }
    }
}
