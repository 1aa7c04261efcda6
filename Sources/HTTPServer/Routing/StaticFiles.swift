import Foundation
import HTTPTypes

/// Files served from memory. They are read once, at start, and looked up by exact path: a request never touches the
/// file system, so no spelling of a path can lead outside the directory. Symbolic links, hidden files and whatever is not a
/// regular file are left out.
public struct StaticFiles: Sendable {
    private struct File: Sendable {
        var bytes: [UInt8]
        var entityTag: String
        /// Seconds since 1970.
        var modified: Int
        /// Of an answer with content, and of 304, which carries the validators only (RFC 9110 section 15.4.5). Made once, as they
        /// cost more than the content.
        var fields: HTTPFields
        var validators: HTTPFields

        init(_ bytes: [UInt8], contentType: String, modified: Int) {
            self.bytes = bytes
            self.modified = modified
            entityTag = StaticFiles.entityTag(bytes)
            validators = [
                .eTag: entityTag, .lastModified: HTTPDate.format(modified), .cacheControl: "no-cache",
                .xContentTypeOptions: "nosniff",
            ]
            fields = validators
            fields[.acceptRanges] = "bytes"
            fields[.contentType] = contentType
        }
    }

    /// By path below the directory, starting with a slash, in bytes: `==` of strings takes the Kelvin sign for a K.
    private var files: [[UInt8]: File]

    /// Reads every file below `directory`.
    /// - Throws: the file system's error when the directory or a file in it cannot be read.
    public init(directory: String) throws {
        var files: [[UInt8]: File] = [:]
        try Self.collect(URL(fileURLWithPath: directory, isDirectory: true), prefix: "/", into: &files)
        self.files = files
    }

    private static func collect(_ directory: URL, prefix: String, into files: inout [[UInt8]: File]) throws {
        let keys: Set<URLResourceKey> = [.isRegularFileKey, .isDirectoryKey, .isSymbolicLinkKey, .contentModificationDateKey]
        for entry in try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: Array(keys)) {
            let name = entry.lastPathComponent
            let values = try entry.resourceValues(forKeys: keys)
            if name.hasPrefix(".") || values.isSymbolicLink == true { continue }
            if values.isDirectory == true {
                try collect(entry, prefix: prefix + name + "/", into: &files)
            } else if values.isRegularFile == true {
                let bytes = Array(try Data(contentsOf: entry))
                files[Array((prefix + name).utf8)] = File(
                    bytes, contentType: types[entry.pathExtension.lowercased()] ?? "application/octet-stream",
                    modified: max(0, Int(values.contentModificationDate?.timeIntervalSince1970 ?? 0)))
            }
        }
    }

    /// The paths there are, sorted.
    public var paths: [String] { files.keys.map { String(decoding: $0, as: UTF8.self) }.sorted() }

    /// The same files, answered with these fields too, save where a file has one of its own.
    public func adding(_ fields: HTTPFields) -> StaticFiles {
        var copy = self
        for path in files.keys {
            for field in fields where files[path]?.fields[field.name] == nil {
                copy.files[path]?.fields.append(field)
                copy.files[path]?.validators.append(field)
            }
        }
        return copy
    }

    /// The answer for a file; nil when there is no such file. GET and HEAD are served, with 304 when the client's copy
    /// is fresh, 412 when it is not the wanted one, and 206 for a range; other methods but OPTIONS get 405.
    /// - Parameter path: percent-encoded and without the query, as `Request.path`.
    public func response(for path: String, request: HTTPRequest) -> Response? {
        guard let decoded = PercentCoding.decode(path.utf8).map({ Array($0.utf8) }), let file = files[decoded] else { return nil }
        // An escaped slash is not a separator: such a path names no file.
        guard decoded.count(where: { $0 == 0x2F }) == path.utf8.count(where: { $0 == 0x2F }) else { return nil }
        guard request.method == .get || request.method == .head else {
            var response = Response.text("This address takes GET and HEAD.\n", status: .methodNotAllowed)
            if request.method == .options { response = Response(status: .noContent) }
            response.headerFields[.allow] = "GET, HEAD, OPTIONS"
            response.headerFields[.xContentTypeOptions] = "nosniff"
            return response
        }
        if let status = Self.verdict(file, request.headerFields) { return Response(status: status, headerFields: file.validators) }
        let count = file.bytes.count
        // Section 14.2: ranges are for GET only; If-Range (13.1.5) makes them depend on the copy's being current.
        guard request.method == .get, let text = request.headerFields[.range], Self.isCurrent(file, request.headerFields),
            let ends = Self.rangeEnds(text)
        else { return Response(headerFields: file.fields, body: .bytes(file.bytes)) }
        var fields = file.fields
        let first = ends.first ?? max(0, count - (ends.last ?? 0))
        let end = ends.first == nil ? count : min(count, (ends.last ?? .max - 1) + 1)
        guard first < end else {
            fields[.contentRange] = "bytes */\(count)"
            return Response(status: .rangeNotSatisfiable, headerFields: fields)
        }
        fields[.contentRange] = "bytes \(first)-\(end - 1)/\(count)"
        return Response(status: .partialContent, headerFields: fields, body: .bytes(Array(file.bytes[first..<end])))
    }

    /// `bytes=2-5`, `bytes=2-` or `bytes=-5` (RFC 9110 section 14.1.2). Nil, which means the whole file, for anything else:
    /// section 14.2 lets a server ignore ranges, and several at once are not worth their code.
    private static func rangeEnds(_ text: String) -> (first: Int?, last: Int?)? {
        guard text.utf8.prefix(6).lowercasedASCII == "bytes=" else { return nil }
        let ends = text.utf8.dropFirst(6).split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        let (first, last) = (WireNumber.decimal(ends[0]), WireNumber.decimal(ends[1]))
        guard (first == nil) == ends[0].isEmpty, (last == nil) == ends[1].isEmpty, first ?? last != nil, first ?? 0 <= last ?? .max
        else { return nil }
        return (first, last)
    }

    private static func isCurrent(_ file: File, _ fields: HTTPFields) -> Bool {
        guard let condition = fields[.ifRange] else { return true }
        return condition == file.entityTag || HTTPDate.parse(condition) == file.modified
    }

    /// What the conditions come to, in the order of RFC 9110 section 13.2.2: 412, 304, or nil to go on. Each pair's date counts only
    /// without its tags. Only If-None-Match compares weakly (13.1.1, 13.1.2).
    private static func verdict(_ file: File, _ fields: HTTPFields) -> HTTPResponse.Status? {
        func names(_ tags: String, _ forms: [String]) -> Bool {
            // Our tags hold no comma, so a plain split cannot cut one that matches.
            tags.split(separator: ",").contains { forms.contains($0.trimmingCharacters(in: .whitespaces)) }
        }
        if let tags = fields[.ifMatch] {
            guard names(tags, ["*", file.entityTag]) else { return .preconditionFailed }
        } else if let date = fields[.ifUnmodifiedSince].flatMap(HTTPDate.parse), file.modified > date {
            return .preconditionFailed
        }
        if let tags = fields[.ifNoneMatch] { return names(tags, ["*", file.entityTag, "W/" + file.entityTag]) ? .notModified : nil }
        return fields[.ifModifiedSince].flatMap(HTTPDate.parse).flatMap { file.modified <= $0 ? .notModified : nil }
    }

    /// FNV-1a, 64 bits, and the length: tells versions of our own files apart; it guards against no one.
    fileprivate static func entityTag(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "\"\(String(hash, radix: 16))-\(String(bytes.count, radix: 16))\""
    }

    private static let types = [
        "css": "text/css; charset=utf-8", "html": "text/html; charset=utf-8", "ico": "image/x-icon", "jpg": "image/jpeg",
        "js": "text/javascript; charset=utf-8", "json": "application/json", "pdf": "application/pdf", "png": "image/png",
        "svg": "image/svg+xml", "txt": "text/plain; charset=utf-8", "webmanifest": "application/manifest+json",
        "webp": "image/webp", "woff2": "font/woff2", "yaml": "application/yaml",
    ]
}
