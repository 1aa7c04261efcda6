import Secrets
import Testing

@Suite("A secret is never seen by accident")
struct SecretTests {
    private struct Holder {
        let name = "holder"
        let secret = Secret("hunter2-canary")
        let optional: Secret? = Secret("hunter2-canary")
        let list = [Secret("hunter2-canary")]
        let table = ["field": Secret("hunter2-canary")]
    }

    private enum Failure: Error {
        case refused(Secret)
    }

    @Test("every way Swift turns a value into text shows ***")
    func everyTextForm() {
        let holder = Holder()
        var dumped = ""
        dump(holder, to: &dumped)
        let texts = [
            "\(holder.secret)", String(describing: holder.secret), String(reflecting: holder.secret),
            "\(holder)", String(reflecting: holder), "\(Failure.refused(holder.secret))",
            "\(Mirror(reflecting: holder.secret).children.map { "\($0)" })", dumped,
        ]
        for text in texts {
            #expect(!text.contains("canary"), "\(text)")
        }
        #expect(texts[0] == "***")
        #expect(dumped.contains("***"))
        #expect(Mirror(reflecting: holder.secret).children.isEmpty)
    }

    @Test("reveal gives the text back, unchanged")
    func reveal() {
        #expect(Secret(" kéy ").reveal() == " kéy ")
        #expect(Secret("").isEmpty)
        #expect(!Secret("k").isEmpty)
    }

    @Test(
        "the last four are shown only when they are less than half",
        arguments: [
            ("", ""), ("abc", ""), ("abcdefg", ""), ("abcdefgh", "efgh"), ("0123456789", "6789"),
        ])
    func lastFour(text: String, shown: String) {
        #expect(Secret(text).lastFour == shown)
    }

    @Test("equality compares bytes, and hashing agrees with it")
    func equality() {
        #expect(Secret("token") == Secret("token"))
        #expect(Secret("token") != Secret("tokem"))
        #expect(Secret("token") != Secret("token1"))
        #expect(Set([Secret("a"), Secret("a"), Secret("b")]).count == 2)
        // The same letter, composed and decomposed: equal as String, not as a key.
        #expect(Secret("\u{E9}") != Secret("e\u{301}"))
    }
}
