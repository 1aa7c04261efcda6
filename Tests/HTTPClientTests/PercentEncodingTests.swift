import HTTPClient
import Testing

@Suite("Percent-encoding")
struct PercentEncodingTests {
    @Test(
        "Only unreserved characters stay as they are",
        arguments: [
            ("acct-1_2.3~Z", "acct-1_2.3~Z"),
            ("a b", "a%20b"),
            ("a+b", "a%2Bb"),
            ("a/b", "a%2Fb"),
            ("100%", "100%25"),
            ("é", "%C3%A9"),
            ("名", "%E5%90%8D"),
            ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
            ("\r\n\0", "%0D%0A%00"),
            ("", ""),
        ])
    func encodes(_ plain: String, _ encoded: String) {
        #expect(PercentEncoding.pathSegment(plain) == encoded)
        #expect(PercentEncoding.queryComponent(plain) == encoded)
    }

    @Test("Every byte is either unreserved or three characters")
    func everyASCIICharacter() {
        let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        for byte in UInt8(0)...127 {
            let character = String(UnicodeScalar(byte))
            let encoded = PercentEncoding.pathSegment(character)
            if unreserved.contains(character) {
                #expect(encoded == character)
            } else {
                let hexadecimal = String(byte, radix: 16, uppercase: true)
                #expect(encoded == "%" + (byte < 16 ? "0" : "") + hexadecimal)
            }
        }
    }
}
