import HTTPServer

/// The list of partners, and what a developer needs to point a program here.
struct StartPage {
    let model: SandboxModel
    /// Where the sandbox listens, as the browser sees it.
    let origin: String

    var response: Response { PageLayout(title: "Organizations").response(content) }

    private var content: HTML {
        let organizations = model.organizations.map { organization -> HTML in
            """
            <li class="card"><h2><a href="/organizations/\(organization.id)">\(organization.name)</a></h2>
            <p>\(organization.statusBadge) \(counted(organization.accounts.items.count, "account")),
            \(counted(organization.clients.count, "PSA client"))</p></li>

            """
        }
        let fields = [("Synthesize URL", origin), ("Vendor API key", model.vendor.apiKey)]
        let input = { (label: String, value: String) -> HTML in
            "<label class=\"field\">\(label) <input readonly value=\"\(value)\"></label>\n"
        }
        let access = (fields + model.vendorAPIs.prefix(1).flatMap { $0.access(origin: origin) }).map { input($0.0, $0.1) }
        let others = model.vendorAPIs.dropFirst().flatMap { $0.access(origin: origin) }.map { input($0.label, $0.value) }
        return """
            \(organizations.isEmpty ? "<p>There are no organizations yet. <code>POST /control/organizations</code> creates one.</p>" : .none)
            <ul class="plain">
            \(organizations)</ul>
            <section class="card" aria-labelledby="vendor"><h2 id="vendor">Vendor: \(model.vendor.name)</h2>
            \(access)<details><summary>Other simulated vendor APIs</summary>
            \(others)</details>
            <p class="soft">\(counted(model.vendor.services.count, "service")), \(counted(model.requests.total, "request")) so far.
            The whole state as JSON: <a href="/control/state">/control/state</a>.</p></section>
            """
    }
}

extension Organization {
    /// The status as the partner reads it (contract section 7.1), with the word on the wire.
    var statusText: (text: String, tone: String) {
        guard partnerKey != nil else { return ("Not connected", "soft") }
        switch status {
        case .inactive: return ("Waiting for the vendor", "warn")
        case .pending: return mappingFinished ? ("Connected, no usage yet", "good") : ("Pending: continue setup", "warn")
        case .active: return ("Active", "good")
        case .disabled: return ("Disabled by the vendor", "bad")
        case .error: return ("Error reported by the vendor", "bad")
        }
    }

    var statusBadge: HTML { "<span class=\"badge \(statusText.tone)\">\(statusText.text)</span>" }
}
