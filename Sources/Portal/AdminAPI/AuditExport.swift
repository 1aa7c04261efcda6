import Foundation
import HTTPServer
import HTTPTypes
import Store

/// The whole audit trail as a file to keep, oldest entry first, with the hashes that chain it: kept elsewhere, it shows what was
/// altered here. Read and written page by page.
struct AuditExport: Sendable {
    private static let entriesPerPage = 500

    private let store: any Store

    init(_ store: any Store) {
        self.store = store
    }

    func response(_ format: LedgerExport.Format) -> Response {
        let body: ResponseBody
        switch format {
        case .csv:
            body = .stream { body in
                try await body.write(Self.header)
                try await eachPage { entries in try await body.write(entries.map(Self.line).joined()) }
            }
        case .json:
            body = .stream { body in
                var isFirst = true
                try await body.write("{\"entries\":[")
                try await eachPage { entries in
                    var text = ""
                    for entry in entries {
                        text += isFirst ? "\n" : ",\n"
                        text += String(decoding: try AdminJSON.encoder().encode(AuditAnswer(entry)), as: UTF8.self)
                        isFirst = false
                    }
                    try await body.write(text)
                }
                try await body.write("\n]}\n")
            }
        }
        return Response(
            headerFields: [
                .contentType: format.contentType,
                .contentDisposition: "attachment; filename=\"audit-trail.\(format.rawValue)\"",
            ],
            body: body)
    }

    private func eachPage(_ write: ([AuditEntry]) async throws -> Void) async throws {
        var after = 0
        while true {
            let entries = try await store.auditEntries(after: after, limit: Self.entriesPerPage)
            guard let last = entries.last else { return }
            try await write(entries)
            after = last.sequence
        }
    }

    private static let header = LedgerCSV.line(["sequence", "at", "actor", "action", "partner_id", "address", "details", "hash"])

    private static func line(_ entry: AuditEntry) -> String {
        LedgerCSV.line([
            "\(entry.sequence)", AdminJSON.instant(entry.at), entry.actor, entry.action, entry.partnerID?.rawValue ?? "",
            entry.address ?? "", entry.details, entry.chainHash,
        ])
    }
}
