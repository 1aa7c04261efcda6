import Logging

extension Logger {
    static let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
    /// To standard output, for a history that is replayed.
    static let told = Logger(label: "simulation") { StreamLogHandler.standardOutput(label: $0) }
}
