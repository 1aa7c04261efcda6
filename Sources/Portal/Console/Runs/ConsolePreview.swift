import HTTPServer
import Integration
import Store

/// `POST /console/partners/{partnerId}/preview`: what a sync of the partner would do.
struct ConsolePreviewView: Sendable {
    var frame: ConsoleFrame
    var partnerID: String
    var partnerName: String
    var preview: PreviewView
    var zoneName: String
}

extension Console {
    static let previewRoutes: [ConsoleRoute] = [
        .form("/console/partners/{partnerId}/preview", .operator) { visit, _ in
            let partner = try await visit.desk.partner(visit.partnerID)
            let time = LocalTime(zoneName: partner.timeZone)
            let preview = try await visit.desk.previewSync(partner.id)
            return visit.page(
                "console-preview",
                ConsolePreviewView(
                    frame: visit.frame("Preview of a sync", .partners), partnerID: partner.id.rawValue, partnerName: partner.name,
                    preview: PreviewView(preview, time: time), zoneName: time.zoneName))
        }
    ]
}
