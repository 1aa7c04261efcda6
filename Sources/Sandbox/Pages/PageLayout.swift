import HTTPServer
import HTTPTypes

/// What every page has around its content.
struct PageLayout: Sendable {
    var title: String
    /// The organization whose tabs are shown, with the current one.
    var organization: (id: String, name: String, tab: Tab)?
    /// What the last action did; read out by a screen reader.
    var notice: String?
    /// Why the last action was refused.
    var problem: String?

    enum Tab: String, CaseIterable, Sendable {
        case integration = "Integration"
        case accounts = "Account mapping"
        case services = "Service mapping"
        case billing = "Billing"
        case tickets = "Tickets"

        var path: String {
            switch self {
            case .integration: ""
            case .accounts: "/mapping/accounts"
            case .services: "/mapping/services"
            case .billing: "/billing"
            case .tickets: "/tickets"
            }
        }
    }

    func page(_ content: HTML) -> HTML {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(title) – Sandbox: simulated Synthesize</title>
        <link rel="stylesheet" href="/sandbox.css">
        <link rel="icon" href="data:,">
        </head>
        <body>
        <header>
        <p class="banner"><a href="/">Sandbox: simulated Synthesize</a> <span>Nothing here is real.</span></p>
        \(tabs)
        </header>
        <main>
        <h1>\(title)</h1>
        \(notice.map { "<p class=\"notice\" role=\"status\">\($0)</p>" as HTML } ?? .none)
        \(problem.map { "<p class=\"problem\" role=\"alert\">\($0)</p>" as HTML } ?? .none)
        \(content)
        </main>
        </body>
        </html>

        """
    }

    private var tabs: HTML {
        guard let organization else { return .none }
        let links = Tab.allCases.map { tab -> HTML in
            let current: HTML = tab == organization.tab ? " aria-current=\"page\"" : .none
            return "<li><a href=\"/organizations/\(organization.id)\(tab.path)\"\(current)>\(tab.rawValue)</a></li>\n"
        }
        return """
            <p class="organization">\(organization.name)</p>
            <nav aria-label="\(organization.name)"><ul>
            \(links)</ul></nav>
            """
    }

    func response(_ content: HTML, status: HTTPResponse.Status = .ok) -> Response {
        var response = Response.html(page(content).text, status: status)
        response.headerFields[.cacheControl] = "no-store"
        response.headerFields[.xContentTypeOptions] = "nosniff"
        response.headerFields[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        return response
    }
}
