/// The readers of what vendors send, of what an operator's file holds, and of definitions. Each takes any bytes and says which promise they broke.
enum ReaderTarget: String, CaseIterable, Sendable {
    case jsonPath = "json-path"
    case recordReader = "record-reader"
    case csv
    case definition
    case handedInUsage = "handed-in-usage"

    func check(_ bytes: [UInt8]) throws(BrokenProperty) {
        switch self {
        case .jsonPath: try checkJSONPath(bytes)
        case .recordReader: try checkRecordReader(bytes)
        case .csv: try checkCSV(bytes)
        case .definition: try checkDefinition(bytes)
        case .handedInUsage: try checkHandedInUsage(bytes)
        }
    }
}
