/// The readers of what vendors send, and of what an operator's file holds. Each takes any bytes and says which promise they broke.
enum ReaderTarget: String, CaseIterable, Sendable {
    case jsonPath = "json-path"
    case recordReader = "record-reader"
    case csv

    func check(_ bytes: [UInt8]) throws(BrokenProperty) {
        switch self {
        case .jsonPath: try checkJSONPath(bytes)
        case .recordReader: try checkRecordReader(bytes)
        case .csv: try checkCSV(bytes)
        }
    }
}
