import HTTPServer
import Store

/// `GET /console/services`: the vendor's catalogue in Synthesize.
struct ServicesView: Sendable {
    struct Row: Sendable, Hashable {
        var id: String
        var name: String
        var description: String
        var category: String
        var subcategory: String
        var isOverridden: Bool
    }

    var frame: ConsoleFrame
    var hasRows: Bool
    var rows: [Row]
}

extension Console {
    static let serviceRoutes: [ConsoleRoute] = [
        .page("/console/services", .viewer) { visit in
            let rows = try await visit.desk.services().sorted { $0.name < $1.name }.map {
                ServicesView.Row(
                    id: $0.id, name: $0.name, description: $0.description == $0.name ? "" : $0.description,
                    category: $0.category, subcategory: $0.subcategory, isOverridden: $0.isOverridden)
            }
            return visit.page(
                "console-services",
                ServicesView(frame: visit.frame("Services", .services), hasRows: !rows.isEmpty, rows: rows))
        }
    ]
}
