/// Everything that is wrong with a definition file, in the order of its lines.
public struct DefinitionError: Error, Sendable, Hashable, CustomStringConvertible {
    public struct Problem: Sendable, Hashable {
        /// From 1.
        public var line: Int
        /// What was found, and what was expected.
        public var message: String

        public init(line: Int, message: String) {
            self.line = line
            // It repeats what the file says, and goes to terminals.
            self.message = message.withoutControls
        }
    }

    /// As the person named it.
    public var file: String
    public var problems: [Problem]

    public init(file: String, problems: [Problem]) {
        self.file = file
        self.problems = problems
    }

    public var description: String { problems.map { "\(file):\($0.line): \($0.message)" }.joined(separator: "\n") }
}

/// Collects problems while a definition is read, so that all are told at once.
final class DefinitionProblems {
    private var found: [DefinitionError.Problem] = []

    func add(_ line: Int, _ message: String) {
        let problem = DefinitionError.Problem(line: line, message: message)
        if !found.contains(problem) { found.append(problem) }
    }

    /// In the order of lines; of one line, in the order found.
    var inOrder: [DefinitionError.Problem] {
        found.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map(\.element)
    }
}

extension String {
    /// The word of `candidates` that was probably meant; nil when none is near.
    func nearest(of candidates: some Sequence<String>) -> String? {
        candidates.map { (word: $0, distance: lowercased().editDistance(to: $0.lowercased())) }
            .filter { $0.distance <= max(1, Swift.min(count, $0.word.count) / 2) && $0.distance <= 3 }
            .min {
                ($0.distance, abs(count - $0.word.count), $0.word) < ($1.distance, abs(count - $1.word.count), $1.word)
            }?.word
    }

    /// Levenshtein's distance.
    private func editDistance(to other: String) -> Int {
        let (own, others) = (Array(unicodeScalars.prefix(64)), Array(other.unicodeScalars.prefix(64)))
        var row = Array(0...others.count)
        for (index, scalar) in own.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, candidate) in others.enumerated() {
                let replaced = diagonal + (scalar == candidate ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = Swift.min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[others.count]
    }
}
