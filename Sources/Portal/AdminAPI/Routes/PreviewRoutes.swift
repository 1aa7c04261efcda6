import HTTPServer
import Integration
import Store

extension AdminAPI {
    static let previewRoutes = [
        // POST, because the vendor is called with the partner's credential.
        AdminRoute(.post, "/partners/{partnerId}/sync-preview", .operator, takesBody: false) { call in
            let partner = try await call.desk.partner(call.partnerID)
            let preview = try await call.desk.previewSync(partner.id)
            return Response(
                headerFields: [.contentType: "application/json"],
                body: .stream { body in
                    var list = try JSONLineList(after: PreviewAnswer(preview, of: partner.id), to: body)
                    try await list.begin()
                    for start in stride(from: 0, to: preview.lines.count, by: linesPerPiece) {
                        let lines = preview.lines[start..<min(start + linesPerPiece, preview.lines.count)]
                        try await list.write(lines.map(PreviewLineAnswer.init))
                    }
                    try await list.end()
                })
        }
    ]

    private static let linesPerPiece = 500
}
