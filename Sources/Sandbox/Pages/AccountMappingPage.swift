import HTTPServer

/// PSA clients on the left, the vendor's accounts on the right, one to one.
struct AccountMappingPage {
    let organization: Organization
    /// From 1; a page too far shows the last.
    let number: Int
    var notice: Notice?
    var problem: String?

    /// Each row lists every client, so a long page would grow with the square of the partner's size.
    static let rowsPerPage = 50

    private var accounts: [MappingProperty] { organization.accounts.items }
    private var pageCount: Int { max(1, (accounts.count + Self.rowsPerPage - 1) / Self.rowsPerPage) }
    private var current: Int { min(max(1, number), pageCount) }
    private var path: String { "/organizations/\(organization.id)/mapping/accounts" }

    var response: Response {
        PageLayout(
            title: "Account mapping", organization: (organization.id, organization.name, .accounts),
            notice: notice?.text, problem: problem
        ).response(content, status: problem == nil ? .ok : .conflict)
    }

    private var content: HTML {
        guard !accounts.isEmpty else {
            return "<p>No accounts have arrived yet. The vendor creates them after it authenticates.</p>"
        }
        let first = (current - 1) * Self.rowsPerPage
        return """
            <form method="post" action="\(path)" class="card">
            <p>Choose the PSA client that each account of the vendor stands for. A client can stand for one account only.</p>
            <input type="hidden" name="page" value="\(current)">
            <div class="pair heads"><span>PSA client</span><span>Vendor account</span></div>
            \(accounts[first..<min(first + Self.rowsPerPage, accounts.count)].map(row))
            \(pager)
            <div class="actions"><button name="action" value="save">Save mappings</button>
            <button class="quiet" name="action" value="auto">Auto-map exact names</button>
            <a class="button quiet" href="/organizations/\(organization.id)/mapping/services">Next: services</a></div></form>
            """
    }

    private func row(_ account: MappingProperty) -> HTML {
        let mapping = organization.mappings.accounts[account.key]
        let mapped = organization.mappings.client(ofAccount: account.key)
        let clients = organization.clients.map { client -> HTML in
            "<option value=\"client:\(client.id)\"\(selected(client.id == mapped))>\(client.name)</option>"
        }
        let state: HTML =
            switch mapping {
            case .client: "<span class=\"badge good\">mapped</span>"
            case .excluded: "<span class=\"badge soft\">excluded</span>"
            case nil: "<span class=\"badge warn\">unmapped</span>"
            }
        return """
            <div class="pair"><span><input type="hidden" name="account" value="\(account.id)">
            <select name="choice" aria-label="PSA client for \(account.name)">
            <option value="unmapped">Not mapped</option><option value="excluded"\(selected(mapping == .excluded))>Excluded</option>
            \(clients)</select></span>
            <span>\(account.name) \(state)<br><span class="soft">\(account.id)</span></span></div>

            """
    }

    private func selected(_ isSelected: Bool) -> HTML { isSelected ? " selected" : .none }

    private var pager: HTML {
        guard pageCount > 1 else { return .none }
        let earlier: HTML = current > 1 ? "<a href=\"\(path)?page=\(current - 1)\">Previous</a> " : .none
        let later: HTML = current < pageCount ? " <a href=\"\(path)?page=\(current + 1)\">More accounts</a>" : .none
        return "<p>\(earlier)Page \(current) of \(pageCount)\(later)</p>"
    }

    /// Reads the rows of the form: an account, then its choice.
    static func choices(_ form: FormFields) -> [(id: String, choice: SandboxModel.AccountChoice)] {
        zip(form.all("account"), form.all("choice")).map { account, choice in
            if choice == "excluded" { return (account, .excluded) }
            guard choice.hasPrefix("client:") else { return (account, .unmapped) }
            return (account, .client(String(choice.dropFirst("client:".count))))
        }
    }
}
