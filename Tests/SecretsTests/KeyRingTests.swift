import Foundation
import Secrets
import Testing

@Suite("Sealed secrets open only with their key and in their row")
struct KeyRingTests {
    let random = RandomSource.seeded(7)
    let master: MasterKey
    let ring: KeyRing
    let wrapped: WrappedDataKey
    let context = SealContext(table: "connection", row: "par_1", column: "partner_key")
    let secret = Secret("partner-key-canary-0123")

    init() throws {
        master = MasterKey.generate(random: random)
        (ring, wrapped) = try KeyRing.create(
            master: master, random: random, at: Date(timeIntervalSince1970: 1_800_000_000))
    }

    @Test("what was sealed opens, also after the data key was stored and read", arguments: ["", "k", "kéy 🔑", "0123456789"])
    func roundTrip(text: String) throws {
        let sealed = try ring.seal(Secret(text), context, random: random)
        #expect(try ring.open(sealed, context).reveal() == text)
        #expect(try KeyRing.open(wrapped, master: master).open(sealed, context).reveal() == text)
    }

    @Test("neither the sealed value nor the wrapped key holds the text or the data key in the clear")
    func nothingInTheClear() throws {
        let sealed = try ring.seal(secret, context, random: random)
        #expect(!String(decoding: sealed.bytes, as: UTF8.self).contains("canary"))
        #expect(!"\(ring)\(String(reflecting: ring))\(master)\(String(reflecting: master))".contains(master.base64().reveal()))
        var dumped = ""
        dump(ring, to: &dumped)
        dump(master, to: &dumped)
        #expect(dumped.split(separator: "\n").count == 3, "only the key id is a child: \(dumped)")
    }

    @Test("the same secret sealed twice gives different bytes")
    func nonceIsFresh() throws {
        let first = try ring.seal(secret, context, random: random)
        let second = try ring.seal(secret, context, random: random)
        #expect(first != second)
    }

    @Test("each single bit flip of a sealed value is refused")
    func bitFlips() throws {
        let sealed = try ring.seal(secret, context, random: random)
        for index in sealed.bytes.indices {
            for bit in 0..<8 {
                var changed = sealed
                changed.bytes[index] ^= 1 << bit
                #expect(throws: SecretsError.self, "byte \(index), bit \(bit)") { try ring.open(changed, context) }
            }
        }
    }

    @Test("each shorter prefix and one byte more are refused")
    func cutValues() throws {
        let sealed = try ring.seal(secret, context, random: random)
        for count in 0..<sealed.bytes.count {
            #expect(throws: SecretsError.self, "\(count) bytes") {
                try ring.open(SealedSecret(bytes: Array(sealed.bytes.prefix(count))), context)
            }
        }
        #expect(throws: SecretsError.self) { try ring.open(SealedSecret(bytes: sealed.bytes + [0]), context) }
    }

    @Test(
        "a value moved to another row, column or table is refused and the message names the place",
        arguments: [
            SealContext(table: "connection", row: "par_2", column: "partner_key"),
            SealContext(table: "connection", row: "par_1", column: "other"),
            SealContext(table: "vendor_credential", row: "par_1", column: "partner_key"),
        ])
    func otherPlace(place: SealContext) throws {
        let sealed = try ring.seal(secret, context, random: random)
        let error = #expect(throws: SecretsError.self) { try ring.open(sealed, place) }
        #expect(error?.code == .sealedValueRefused)
        #expect(error?.message.contains(place.row) == true)
    }

    @Test("a value of another data key is told apart from a damaged one")
    func otherDataKey() throws {
        let (other, _) = try KeyRing.create(master: master, random: random, at: .distantPast)
        let sealed = try other.seal(secret, context, random: random)
        let error = #expect(throws: SecretsError.self) { try ring.open(sealed, context) }
        #expect(error?.code == .dataKeyUnknown)
    }

    @Test("another master key is named as the cause, and what to do about it")
    func wrongMasterKey() throws {
        let other = MasterKey.generate(random: random)
        let error = #expect(throws: SecretsError.self) { try KeyRing.open(wrapped, master: other) }
        #expect(error?.code == .masterKeyWrong)
        #expect(error?.message.contains("PERCH_SECRET_KEY") == true)
        #expect(error?.message.contains(other.base64().reveal()) == false)
    }

    @Test("damage to the wrapped data key is told apart from a wrong master key")
    func damagedDataKey() throws {
        for index in wrapped.wrapped.indices {
            var changed = wrapped
            changed.wrapped[index] ^= 1
            let error = #expect(throws: SecretsError.self) { try KeyRing.open(changed, master: master) }
            #expect(error?.code == .dataKeyDamaged)
        }
        var cut = wrapped
        cut.wrapped = []
        #expect(#expect(throws: SecretsError.self) { try KeyRing.open(cut, master: master) }?.code == .dataKeyDamaged)
    }

    @Test("the master key survives its text form; white space around it is ignored")
    func masterKeyText() throws {
        let text = master.base64().reveal()
        #expect(text.count == 44)
        let again = try MasterKey(base64: Secret("  \(text)\n"))
        #expect(again.base64() == master.base64())
    }

    @Test(
        "a malformed master key is refused without repeating it",
        arguments: [
            "", "hunter2canary", "bm90IDMyIGJ5dGVz", "canary!!canary!!canary!!canary!!canary!!can=",
        ])
    func malformedMasterKey(text: String) {
        let error = #expect(throws: SecretsError.self) { try MasterKey(base64: Secret(text)) }
        #expect(error?.code == .masterKeyInvalid)
        #expect(error?.message.contains("canary") == false)
    }
}
