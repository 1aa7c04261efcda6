import Crypto
import Testing

@testable import Secrets

/// Test cases 13 to 16 (AES-256) of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B.
@Suite("AES-256-GCM agrees with the published vectors")
struct CipherVectorTests {
    struct Vector: Sendable, CustomStringConvertible {
        let number: Int
        let key, nonce, plaintext, associatedData, ciphertext, tag: String
        var description: String { "test case \(number)" }
    }

    static let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
    static let text = """
        d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
        1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255
        """
    static let cipher = """
        522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
        8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad
        """

    static let vectors = [
        Vector(
            number: 13, key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12), plaintext: "",
            associatedData: "", ciphertext: "", tag: "530f8afbc74536b9a963b4f1c4cb738b"),
        Vector(
            number: 14, key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12),
            plaintext: String(repeating: "00", count: 16), associatedData: "",
            ciphertext: "cea7403d4d606b6e074ec5d3baf39d18", tag: "d0d1c8a799996bf0265b98b5d48ab919"),
        Vector(
            number: 15, key: key, nonce: "cafebabefacedbaddecaf888", plaintext: text, associatedData: "", ciphertext: cipher,
            tag: "b094dac5d93471bdec1a502270e3cc6c"),
        Vector(
            number: 16, key: key, nonce: "cafebabefacedbaddecaf888", plaintext: String(text.prefix(120)),
            associatedData: "feedfacedeadbeeffeedfacedeadbeefabaddad2", ciphertext: String(cipher.prefix(120)),
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    @Test(arguments: vectors)
    func agrees(vector: Vector) throws {
        let key = SymmetricKey(data: bytes(vector.key))
        let box = try AuthenticatedCipher.seal(
            bytes(vector.plaintext), key: key, nonce: bytes(vector.nonce), associatedData: bytes(vector.associatedData))
        #expect(box.sealed == bytes(vector.ciphertext + vector.tag))
        let opened = try AuthenticatedCipher.open(box, key: key, associatedData: bytes(vector.associatedData))
        #expect(opened == bytes(vector.plaintext))
    }

    @Test("lists of texts that join to the same text make different associated data")
    func associatedDataIsUnambiguous() {
        let lists = [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["", "abc"]]
        #expect(Set(lists.map(AuthenticatedCipher.associatedData)).count == lists.count)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        var rest = Substring(hex)
        var bytes: [UInt8] = []
        while !rest.isEmpty {
            bytes.append(UInt8(rest.prefix(2), radix: 16)!)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
