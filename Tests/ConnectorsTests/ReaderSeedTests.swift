import Foundation
import Testing

@testable import Connectors

/// What `make fuzz` checks for minutes, for a moment: every committed seed, and mutations of them.
@Suite("Fuzz seeds of the readers")
struct ReaderSeedTests {
    @Test("Every seed keeps the promises", arguments: ReaderTarget.allCases)
    func seeds(target: ReaderTarget) throws {
        let seeds = try Self.seeds(target)
        #expect(seeds.count >= 10, "\(target.rawValue) has \(seeds.count) seeds")
        for (name, bytes) in seeds { Self.keeps(target, bytes, "\(target.rawValue)/\(name)") }
    }

    @Test("Mutations of the seeds keep the promises", arguments: ReaderTarget.allCases)
    func mutations(target: ReaderTarget) throws {
        let seed: UInt64 = 20_261_121
        var random = Random(state: seed)
        let seeds = try Self.seeds(target).map(\.bytes)
        for round in 0..<3000 {
            var bytes = seeds[random.below(seeds.count)]
            for _ in 0...random.below(4) {
                let place = random.below(bytes.count + 1)
                let end = min(bytes.count, place + 1 + random.below(8))
                let other = seeds[random.below(seeds.count)]
                switch random.below(4) {
                case 0: bytes.removeSubrange(place..<end)
                case 1: bytes.insert(UInt8(random.below(256)), at: place)
                case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
                default: bytes.replaceSubrange(place..<end, with: other.dropFirst(random.below(other.count + 1)).prefix(24))
                }
            }
            guard Self.keeps(target, bytes, "seed \(seed), round \(round)") else { break }
        }
    }

    private static func seeds(_ target: ReaderTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fuzz/Seeds/\(target.rawValue)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }

    @discardableResult
    private static func keeps(_ target: ReaderTarget, _ bytes: [UInt8], _ place: String) -> Bool {
        do throws(BrokenProperty) {
            try target.check(bytes)
            return true
        } catch {
            Issue.record("\(place): \(error)\ninput: \(shown(bytes))")
            return false
        }
    }
}

/// The same numbers for the same seed.
private struct Random {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
    }
}
