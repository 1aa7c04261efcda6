import Foundation
import Testing

@testable import Store

@Suite("Values as stored")
struct ValueTests {
    @Test(
        "a number has one text, and the text gives the number back",
        arguments: [
            ("0", "0"), ("-0", "0"), ("0.0", "0"), ("1", "1"), ("1.0", "1"), ("1.50", "1.5"), ("-2.25", "-2.25"), ("100", "100"),
            ("1e3", "1000"), ("1e-3", "0.001"), ("12e30", "12000000000000000000000000000000"),
            ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
            ("0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"),
        ])
    func decimals(text: String, canonical: String) throws {
        let number = try #require(Decimal(string: text))
        #expect(number.canonicalText == canonical)
        #expect(Decimal(canonicalText: canonical) == number)
    }

    @Test(
        "what is not a plain number is not read as one",
        arguments: [
            "", "-", ".", "1.", ".5", "1e3", "+1", " 1", "1 ", "1x", "1,5", "--1", "NaN", "١",
        ])
    func notNumbers(text: String) {
        #expect(Decimal(canonicalText: text) == nil)
    }

    @Test("not a number has no text")
    func notANumber() {
        #expect(Decimal.nan.canonicalText == nil)
    }

    @Test("an instant is kept to the millisecond, and none traps")
    func instants() {
        for milliseconds in [0, 1, -1, 1_800_000_000_123, -62_135_596_800_000, 253_402_300_799_999] as [Int64] {
            #expect(Date(milliseconds: milliseconds).milliseconds == milliseconds)
        }
        #expect(Date(timeIntervalSince1970: 1.0006).milliseconds == 1001)
        #expect(Date(timeIntervalSince1970: .infinity).milliseconds == .max)
        #expect(Date(timeIntervalSince1970: -.infinity).milliseconds == .min)
        #expect(Date(timeIntervalSince1970: .nan).milliseconds == .min)
        #expect(Date.distantFuture.milliseconds > 0)
        #expect(Date(milliseconds: .max).milliseconds == .max)
    }
}
