import Foundation
import Testing

@testable import HTTPServer

/// What `make fuzz` checks for minutes, for a moment: every committed seed, and mutations of them.
@Suite("Fuzz seeds")
struct FuzzSeedTests {
    @Test("Every seed keeps the promises, cut at every place", arguments: FuzzTarget.allCases)
    func seeds(target: FuzzTarget) throws {
        let seeds = try target.seeds()
        #expect(seeds.count >= 10, "\(target.rawValue) has \(seeds.count) seeds")
        for seed in seeds {
            let check = { (bytes: [UInt8]) throws(BrokenProperty) in
                try target.check(bytes)
                try target.checkEveryCut(bytes)
            }
            keeps(seed, seed.name, check: check)
        }
    }

    @Test("A thousand mutations of the seeds keep the promises", arguments: FuzzTarget.allCases)
    func mutations(target: FuzzTarget) throws {
        let seed: UInt64 = 20_261_121
        var mutator = Mutator(seeds: try target.seeds(), seed: seed)
        for round in 0..<1000 {
            let input = mutator.next()
            guard keeps(input, "seed \(seed), round \(round), from \(input.name)", check: target.check) else { break }
        }
    }

    @discardableResult
    private func keeps(_ input: Seed, _ place: String, check: ([UInt8]) throws(BrokenProperty) -> Void) -> Bool {
        do throws(BrokenProperty) {
            try check(input.bytes)
            return true
        } catch {
            Issue.record("\(place): \(error)\ninput: \(shown(input.bytes))")
            return false
        }
    }
}

private struct Seed {
    /// Target and file.
    var name: String
    var bytes: [UInt8]
}

extension FuzzTarget {
    fileprivate func seeds() throws -> [Seed] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fuzz/Seeds/\(rawValue)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            Seed(name: "\(rawValue)/\(name)", bytes: Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }
}

/// Small changes to seeds, the same for the same number, so that a failure can be repeated.
private struct Mutator {
    let seeds: [Seed]
    var generator: SeededGenerator

    init(seeds: [Seed], seed: UInt64) {
        self.seeds = seeds
        generator = SeededGenerator(seed: seed)
    }

    mutating func next() -> Seed {
        let origin = pick()
        var bytes = origin.bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) { mutate(&bytes) }
        return Seed(name: origin.name, bytes: bytes)
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        let place = Int.random(in: 0...bytes.count, using: &generator)
        let end = min(bytes.count, place + Int.random(in: 1...8, using: &generator))
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes.removeSubrange(place..<end)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 3 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        default:  // a piece of another seed
            let other = pick().bytes
            let start = Int.random(in: 0...other.count, using: &generator)
            bytes.replaceSubrange(place..<end, with: other[start...].prefix(Int.random(in: 0...24, using: &generator)))
        }
    }

    private mutating func pick() -> Seed { seeds[Int.random(in: seeds.indices, using: &generator)] }
}
