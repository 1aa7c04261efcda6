import Foundation

/// Names of members of JSON objects.
enum JSONNames {
    /// A name that stands twice in one object, as it is written, with its quotes; nil when none does.
    /// - Parameter json: a text that a decoder has taken as JSON.
    static func repeated(in json: [UInt8]) -> String? {
        /// Names of each object that is open; nil for an array.
        var open: [Set<String>?] = []
        var index = 0
        while index < json.count {
            switch json[index] {
            case UInt8(ascii: "{"): open.append([])
            case UInt8(ascii: "["): open.append(nil)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
            case UInt8(ascii: "\""):
                let end = endOfText(json, from: index)
                let next = json[end...].first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
                if next == UInt8(ascii: ":"), let names = open.last.flatMap({ $0 }) {
                    let name = decoded(json[index..<end])
                    if names.contains(name) { return String(decoding: json[index..<end], as: UTF8.self) }
                    open[open.count - 1] = names.union([name])
                }
                index = end
                continue
            default: break
            }
            index += 1
        }
        return nil
    }

    /// Behind the closing quote.
    private static func endOfText(_ json: [UInt8], from start: Int) -> Int {
        var index = start + 1
        while index < json.count, json[index] != UInt8(ascii: "\"") { index += json[index] == UInt8(ascii: "\\") ? 2 : 1 }
        return min(index + 1, json.count)
    }

    /// Without quotes and escapes: a name may be written in several ways.
    private static func decoded(_ text: ArraySlice<UInt8>) -> String {
        guard text.contains(UInt8(ascii: "\\")) else { return String(decoding: text, as: UTF8.self) }
        do {
            return "\"" + (try JSONDecoder().decode(String.self, from: Data(text))) + "\""
        } catch {
            return String(decoding: text, as: UTF8.self)
        }
    }
}
