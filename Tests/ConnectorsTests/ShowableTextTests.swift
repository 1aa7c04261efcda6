import Testing

@testable import Connectors

@Suite("A name that people read")
struct ShowableTextTests {
    @Test(
        "is written in any script, with the joiners, marks and selectors that it needs",
        arguments: [
            "Smith & Sons", "Bäckerei Zoë\u{308}", "שלום עולם", "شركة ۱۲۳", "می\u{200C}خواهم", "क\u{94D}\u{200D}ष", "日本\u{E0100}株式会社",
            "👩🏽\u{200D}💻 ❤\u{FE0F} 1\u{FE0F}\u{20E3}", "ᠮᠣ\u{180B}", "a\u{A0}b", "",
        ])
    func kept(_ name: String) {
        #expect(name.isShowable && name.showingProblem() == nil)
        #expect(name.showable == name && name.withoutControls == name && name.onOneLine == name)
    }

    @Test(
        "holds nothing that turns, breaks or hides",
        arguments: [
            ("\u{0}", "U+0000"), ("\u{1B}", "U+001B"), ("\u{7F}", "U+007F"), ("\u{85}", "U+0085"), ("\u{AD}", "U+00AD (SOFT HYPHEN)"),
            ("\u{34F}", "U+034F"), ("\u{61C}", "U+061C"), ("\u{115F}", "U+115F"), ("\u{180E}", "U+180E"),
            ("\u{200B}", "U+200B (ZERO WIDTH SPACE)"), ("\u{200E}", "U+200E"), ("\u{2028}", "U+2028"),
            ("\u{202E}", "U+202E (RIGHT-TO-LEFT OVERRIDE)"), ("\u{2060}", "U+2060"), ("\u{2066}", "U+2066"), ("\u{3164}", "U+3164"),
            ("\u{FEFF}", "U+FEFF"), ("\u{FFF9}", "U+FFF9"), ("\u{E0001}", "U+E0001"), ("\u{E0041}", "U+E0041"), ("\u{E007F}", "U+E007F"),
            // Between letters of ASCII a joiner only hides.
            ("\u{200C}", "U+200C"), ("\u{200D}", "U+200D"),
        ])
    func leftOut(_ character: String, _ called: String) throws {
        let name = "North\(character)wind"
        let problem = try #require(name.showingProblem())
        #expect(problem.hasPrefix("holds the character \(called)"), "\(problem)")
        #expect(name.showable == "Northwind")
        #expect(name.onOneLine == "North wind")
        #expect(["Northwind", "North wind"].contains(name.withoutControls))
        #expect(name.withoutControls.isShowable)
    }

    @Test("may have lines where a description has, and nothing else of the kind")
    func lines() {
        #expect("One\n\tTwo\r\nThree".showingProblem(inLines: true) == nil)
        #expect("One\nTwo".showingProblem() != nil)
        #expect("One\n\u{202E}Two".showingProblem(inLines: true)?.contains("U+202E") == true)
        #expect("One\u{2028}Two".showingProblem(inLines: true) != nil)
    }

    @Test("that a vendor tells parts its words with one space where a line or a tab did")
    func words() {
        #expect("North\r\n\twind".withoutControls == "North wind")
        #expect("\tNorth\u{200B}wind\n".withoutControls == "Northwind")
    }
}
