import Foundation
import Secrets
import Testing

@Suite("Random tokens, ids and numbers")
struct RandomSourceTests {
    @Test("a seed repeats its history; another seed does not")
    func seeded() {
        func history(_ seed: UInt64) -> [String] {
            let random = RandomSource.seeded(seed)
            return [random.token(), random.identifier(prefix: "par_"), "\(random.uniform())", "\(random.number(below: 1000))"]
        }
        #expect(history(1) == history(1))
        #expect(history(1) != history(2))
    }

    @Test("both sources return exactly the bytes asked for, and not the same twice", arguments: [0, 1, 7, 8, 9, 64])
    func byteCounts(count: Int) {
        for random in [RandomSource.system, .seeded(3)] {
            let first = random.bytes(count)
            #expect(first.count == count)
            if count >= 7 { #expect(first != random.bytes(count)) }
        }
    }

    @Test("a token is base64url without padding, and carries all its bytes")
    func token() {
        let random = RandomSource { count in (0..<count).map { UInt8(255 - $0 % 256) } }
        #expect(random.token(bytes: 3) == "__79")
        #expect(RandomSource.system.token().count == 43)
        #expect(RandomSource.system.token(bytes: 16).count == 22)
        let alphabet = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
        #expect((0..<50).allSatisfy { _ in RandomSource.system.token().allSatisfy(alphabet.contains) })
    }

    @Test("an identifier is its prefix and 20 base32 characters, all of them used")
    func identifier() {
        let random = RandomSource.seeded(11)
        var seen: Set<Character> = []
        var all: Set<String> = []
        for _ in 0..<500 {
            let id = random.identifier(prefix: "par_")
            #expect(id.hasPrefix("par_"))
            #expect(id.count == 24)
            seen.formUnion(id.dropFirst(4))
            all.insert(id)
        }
        #expect(seen == Set("abcdefghijklmnopqrstuvwxyz234567"))
        #expect(all.count == 500)
    }

    @Test("numbers stay in range and spread evenly")
    func numbers() {
        let random = RandomSource.seeded(5)
        var counts = [Int](repeating: 0, count: 6)
        for _ in 0..<6000 {
            counts[random.number(below: 6)] += 1
            let uniform = random.uniform()
            #expect(uniform >= 0 && uniform < 1)
        }
        // Expected 1000 each with a standard deviation of 29; the seed is fixed.
        #expect(counts.allSatisfy { abs($0 - 1000) < 150 }, "\(counts)")
        #expect(random.number(below: 1) == 0)
        #expect((0..<100).allSatisfy { _ in random.number(below: .max) >= 0 })
    }

    @Test("the extremes of the generator stay in range")
    func extremes() {
        #expect(RandomSource { [UInt8](repeating: 255, count: $0) }.uniform() < 1)
        #expect(RandomSource { [UInt8](repeating: 0, count: $0) }.uniform() == 0)
    }

    /// FIPS 180-4 examples, and one that starts with a zero digit.
    @Test(
        "token hashes are lower-case SHA-256",
        arguments: [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("39", "0b918943df0962bc7a1824c0555a389347b4febdc7cf9d1254406d80ce44e3f9"),
        ])
    func hash(text: String, digest: String) {
        #expect(TokenHash.sha256(text) == digest)
    }

    @Test("hashes compare by bytes")
    func equal() {
        #expect(TokenHash.equal("abc", "abc"))
        #expect(!TokenHash.equal("abc", "abd"))
        #expect(!TokenHash.equal("abc", "abcd"))
        #expect(TokenHash.equal("", ""))
    }
}
