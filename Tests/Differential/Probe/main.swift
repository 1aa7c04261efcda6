import Foundation
import HTTPServerVectors
import HTTPTypes

@testable import HTTPServer

// What Perch's parser makes of bytes, for comparison with another parser.
//
// With --vectors: prints the conformance table, a JSON object a line. Otherwise reads inputs from standard input until its
// end and prints one JSON object a line for each: how the whole input was read, and under `cut` how it was read in pieces
// if that differs, which it never should. An input is a count of pieces and for each its length and bytes; numbers are 32
// bits, little end first. Bytes are printed as the characters U+0000 to U+00FF.

struct PrintedVector: Encodable {
    let section: String
    let name: String
    let bytes: String
    let expected: String
}

/// Numbers and bytes from a buffer, in turn.
struct InputReader {
    let data: [UInt8]
    var position = 0

    var isAtEnd: Bool { position == data.count }

    mutating func number() -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes(1)[0]) << (8 * $1) }
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        precondition(count <= data.count - position, "an input is cut short")
        position += count
        return Array(data[(position - count)..<position])
    }

    mutating func pieces() -> [[UInt8]] { (0..<number()).map { _ in bytes(number()) } }
}

/// JSON objects, one a line.
struct Lines {
    private(set) var data = Data()
    private let encoder = JSONEncoder()

    mutating func append(_ value: some Encodable) throws {
        data += try encoder.encode(value)
        data.append(0x0A)
    }
}

var lines = Lines()
if CommandLine.arguments.dropFirst().first == "--vectors" {
    for vector in RequestVectors.all {
        try lines.append(
            PrintedVector(
                section: vector.section, name: vector.name, bytes: latin1(vector.bytes), expected: vector.expected))
    }
} else {
    var input = InputReader(data: Array(try FileHandle.standardInput.readToEnd() ?? Data()))
    while !input.isAtEnd {
        let pieces = input.pieces()
        var reading = Reading(pieces: [Array(pieces.joined())])
        let inPieces = Reading(pieces: pieces)
        if inPieces != reading { reading.cut = [inPieces] }
        try lines.append(reading)
    }
}
try FileHandle.standardOutput.write(contentsOf: lines.data)
