import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Store

/// A run's whole ledger as a file to keep. It is read and written page by page, each page when the reader has taken the one before,
/// so that a ledger of any size costs the memory of one page.
struct LedgerExport: Sendable {
    enum Format: String, Sendable, CaseIterable {
        case csv
        case json
    }

    private static let linesPerPage = 500

    let desk: Desk

    /// - Throws: `gone` when lines of the run were removed for their age. When that happens while the file is written it ends in the
    ///   middle, cut off as HTTP can tell, instead of passing for whole.
    func response(_ run: SyncRun, _ format: Format) throws(IntegrationError) -> Response {
        try run.requireLines()
        let body: ResponseBody
        switch format {
        case .csv:
            body = .stream { body in
                try await body.write(LedgerCSV.header)
                try await eachPage(of: run) { lines in try await body.write(lines.map { LedgerCSV.line($0) }.joined()) }
            }
        case .json:
            body = .stream { body in
                var list = try JSONLineList(after: Head(run: SyncRunAnswer(run)), to: body)
                try await list.begin()
                try await eachPage(of: run) { lines in try await list.write(lines.map(UsageLineAnswer.init)) }
                try await list.end()
            }
        }
        return Response(
            headerFields: [
                .contentType: format.contentType,
                .contentDisposition: "attachment; filename=\"\(Self.fileName(run)).\(format.rawValue)\"",
            ],
            body: body)
    }

    private func eachPage(of run: SyncRun, _ write: ([UsageLine]) async throws -> Void) async throws {
        var after: Int?
        while true {
            let lines = try await desk.lines(run.id, states: nil, after: after, limit: Self.linesPerPage)
            guard let last = lines.last else { return }
            try await write(lines)
            after = last.position
        }
    }

    /// For instance `sync-2026-06-03-run_x`: the day in UTC, and only what is safe between quotes in a header.
    static func fileName(_ run: SyncRun) -> String {
        let id = run.id.rawValue.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        return "sync-\(run.createdAt.formatted(.iso8601.year().month().day()))-\(id)"
    }

    private struct Head: Encodable {
        var run: SyncRunAnswer
    }
}

extension LedgerExport.Format {
    /// RFC 4180 section 3 names the parameter `header`.
    var contentType: String {
        switch self {
        case .csv: "text/csv; charset=utf-8; header=present"
        case .json: "application/json"
        }
    }
}

/// Writes a JSON object whose last member, `lines`, is a list that need not be in memory as a whole.
struct JSONLineList {
    private let head: String
    private let body: BodyWriter
    private let encoder = AdminJSON.encoder()
    private var isFirst = true

    /// - Parameter head: an object with at least one member; they come before `lines`.
    init(after head: some Encodable, to body: BodyWriter) throws {
        let object = String(decoding: try encoder.encode(head), as: UTF8.self)
        self.head = String(object.dropLast())
        self.body = body
    }

    func begin() async throws { try await body.write(head + ",\"lines\":[") }

    mutating func write(_ lines: [some Encodable]) async throws {
        var bytes: [UInt8] = []
        for line in lines {
            bytes += Array((isFirst ? "\n" : ",\n").utf8)
            bytes += try encoder.encode(line)
            isFirst = false
        }
        try await body.write(bytes)
    }

    func end() async throws { try await body.write("\n]}\n") }
}
