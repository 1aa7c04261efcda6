import Foundation
import HTTPServer
import HTTPTypes
import Testing
import Yams

/// `Public/openapi.yaml`, read as far as the tests hold the API to it.
struct OpenAPIDocument: Sendable {
    struct Operation: Sendable {
        var method: String
        var path: String
        var role: String?
        /// Names of the parameters in the query.
        var query: Set<String>
        var node: YAMLTree
    }

    let operations: [Operation]
    private let root: YAMLTree

    static let shared: OpenAPIDocument = {
        do { return try OpenAPIDocument() } catch { fatalError("openapi.yaml cannot be read: \(error)") }
    }()

    init() throws {
        let text = try String(contentsOfFile: Repository.path("Public/openapi.yaml"), encoding: .utf8)
        let root = YAMLTree(try #require(try Yams.compose(yaml: text)))
        self.root = root
        var operations: [Operation] = []
        for (path, item) in root["paths"]?.pairs ?? [] {
            for method in ["get", "post", "put", "patch", "delete"] {
                guard let node = item[method] else { continue }
                let parameters = (node["parameters"]?.array ?? []).map { Self.resolved($0, in: root) }
                operations.append(
                    Operation(
                        method: method.uppercased(), path: path, role: node["x-perch-role"]?.string,
                        query: Set(parameters.filter { $0["in"]?.string == "query" }.compactMap { $0["name"]?.string }),
                        node: node))
            }
        }
        self.operations = operations
    }

    private static func resolved(_ node: YAMLTree, in root: YAMLTree) -> YAMLTree {
        guard let reference = node["$ref"]?.string else { return node }
        let parts = reference.split(separator: "/").dropFirst()
        let target = parts.reduce(Optional(root)) { $0?[String($1)] }
        guard let target else { fatalError("\(reference) leads nowhere") }
        return resolved(target, in: root)
    }

    func resolved(_ node: YAMLTree) -> YAMLTree { Self.resolved(node, in: root) }

    /// Every `$ref` of the document.
    var references: [String] {
        var found: [String] = []
        func walk(_ node: YAMLTree) {
            if let reference = node["$ref"]?.string { found.append(reference) }
            node.pairs.forEach { walk($0.value) }
            node.array.forEach(walk)
        }
        walk(root)
        return found
    }

    func leadsSomewhere(_ reference: String) -> Bool {
        reference.split(separator: "/").dropFirst().reduce(Optional(root)) { $0?[String($1)] } != nil
    }

    /// Records an issue unless the answer is one that the document describes for the request.
    func check(_ answer: Answer, to request: Request) throws {
        let segments = request.path.split(separator: "/", omittingEmptySubsequences: false)
        let operation = operations.filter { operation in
            let pattern = operation.path.split(separator: "/", omittingEmptySubsequences: false)
            return operation.method == request.head.method.rawValue && pattern.count == segments.count
                && zip(pattern, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }.max { literals($0.path) < literals($1.path) }
        guard let operation else { return }
        let place = "\(operation.method) \(operation.path) \(answer.status)"
        let described = operation.node["responses"]?[String(answer.status)]
        guard let described = described ?? operation.node["responses"]?["default"] else {
            Issue.record("\(place) is not described")
            return
        }
        let response = resolved(described)
        guard let content = response["content"]?.pairs.first else {
            #expect(answer.text.isEmpty, "\(place) has a body")
            return
        }
        #expect(answer.headerFields[.contentType] == content.name, "\(place): \(answer.text)")
        if response["headers"]?["Location"] != nil { #expect(answer.headerFields[.location] != nil, "\(place)") }
        guard let schema = content.value["schema"] else { return }
        for fault in faults(in: try answer.json.raw, schema, "$") { Issue.record("\(place): \(fault)") }
    }

    private func literals(_ path: String) -> Int { path.split(separator: "/").count { !$0.hasPrefix("{") } }

    /// What a value has against a schema: the keywords that the document uses.
    func faults(in value: Any?, _ given: YAMLTree, _ place: String) -> [String] {
        var faults: [String] = []
        if given["$ref"] != nil { return self.faults(in: value, resolved(given), place) }
        let schema = given
        if let options = schema["oneOf"]?.array {
            let fits = options.count { self.faults(in: value, $0, place).isEmpty }
            return fits == 1 ? [] : ["\(place) fits \(fits) of \(options.count)"]
        }
        if let type = schema["type"] {
            let allowed = type.array.isEmpty ? [type.string ?? ""] : type.array.compactMap(\.string)
            guard allowed.contains(where: { Self.isOfType(value, $0) }) else {
                return ["\(place) is \(value ?? "missing"), not \(allowed)"]
            }
        }
        if let words = schema["enum"]?.array.compactMap(\.string), let text = value as? String, !words.contains(text) {
            faults.append("\(place) is '\(text)'")
        }
        if let pattern = schema["pattern"]?.string, let text = value as? String,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            faults.append("\(place) is '\(text)', not \(pattern)")
        }
        if let object = value as? [String: Any] {
            for name in schema["required"]?.array.compactMap(\.string) ?? [] where object[name] == nil {
                faults.append("\(place).\(name) is missing")
            }
            for (name, value) in object {
                if let property = schema["properties"]?[name] {
                    faults += self.faults(in: value, property, "\(place).\(name)")
                } else if schema["additionalProperties"]?.string == "false" {
                    faults.append("\(place).\(name) is not described")
                }
            }
        }
        if let items = schema["items"], let array = value as? [Any] {
            for (index, value) in array.enumerated() { faults += self.faults(in: value, items, "\(place)[\(index)]") }
        }
        return faults
    }

    private static func isOfType(_ value: Any?, _ type: String) -> Bool {
        switch type {
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "null": value is NSNull
        case "boolean": (value as? NSNumber).map(isBoolean) ?? (value is Bool)
        case "integer": (value as? NSNumber).map { !isBoolean($0) && $0.doubleValue == $0.doubleValue.rounded() } ?? false
        case "number": (value as? NSNumber).map { !isBoolean($0) } ?? false
        default: false
        }
    }

    private static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}

/// YAML as texts, lists and pairs.
enum YAMLTree: Sendable {
    case scalar(String)
    case list([YAMLTree])
    case map([(name: String, value: YAMLTree)])

    init(_ node: Yams.Node) {
        if let mapping = node.mapping {
            self = .map(mapping.map { ($0.key.string ?? "", YAMLTree($0.value)) })
        } else if let sequence = node.sequence {
            self = .list(sequence.map { YAMLTree($0) })
        } else {
            self = .scalar(node.string ?? "")
        }
    }

    subscript(name: String) -> YAMLTree? { pairs.first { $0.name == name }?.value }

    var string: String? { if case .scalar(let text) = self { text } else { nil } }
    var array: [YAMLTree] { if case .list(let items) = self { items } else { [] } }
    var pairs: [(name: String, value: YAMLTree)] { if case .map(let pairs) = self { pairs } else { [] } }
}
