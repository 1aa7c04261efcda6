import HTTPServer

/// One integration: its status, its key, the way to mapping (contract sections 12 and 13).
struct IntegrationPage {
    let organization: Organization
    let vendor: Vendor
    var notice: Notice?
    var problem: String?
    /// A key just made, shown this once.
    var newKey: String?
    /// The vendor's portal can be opened from here (contract section 12, step 2).
    var hasVendorPortal = false

    var response: Response {
        PageLayout(
            title: "\(vendor.name) integration", organization: (organization.id, organization.name, .integration),
            notice: notice?.text, problem: problem
        ).response("\(status)\(key)\(setup)", status: problem == nil ? .ok : .conflict)
    }

    private var status: HTML {
        """
        <section class="card" aria-labelledby="status"><h2 id="status">Status</h2>
        <dl><dt>Integration</dt>
        <dd role="status">\(organization.statusBadge) <span class="soft">(<code>\(organization.status.rawValue)</code> on the wire)</span></dd>
        <dt>Accounts received</dt><dd>\(organization.accounts.items.count)</dd>
        <dt>Services received</dt><dd>\(organization.mappableServices(vendor: vendor).count)</dd>
        <dt>Last usage</dt><dd>\(pageText(organization.lastSyncedAt))</dd></dl>
        <form method="get" action="/organizations/\(organization.id)"><button class="quiet">Refresh status</button></form>
        </section>

        """
    }

    private var key: HTML {
        let isConnected = organization.partnerKey != nil
        let shown: HTML =
            newKey.map {
                """
                <label class="field">Partner API key <input readonly value="\($0)"></label>
                <p class="warn">Copy it now. It is not shown again.</p>

                """
            } ?? .none
        let explanation: HTML =
            isConnected
            ? "<p>Paste the key into the vendor's portal. A new key replaces the old one and keeps accounts and mappings.</p>"
            : "<p>Connecting makes a Partner API key for the vendor's portal.</p>"
        let disconnect: HTML =
            isConnected
            ? "<a class=\"button danger\" href=\"/organizations/\(organization.id)/disconnect\">Disconnect</a>" : .none
        let portal: HTML =
            hasVendorPortal ? "<a class=\"button quiet\" href=\"/vendor-portal\">Open \(vendor.name) portal</a>" : .none
        return """
            <section class="card" id="key"><h2>Partner API key</h2>
            \(shown)\(explanation)
            <div class="actions">\(portal)<form method="post" action="/organizations/\(organization.id)/key">
            <button>\(isConnected ? "Generate new key" : "Connect")</button></form>\(disconnect)</div></section>

            """
    }

    /// Next is off until the vendor has set the integration to pending.
    private var setup: HTML {
        let isReady = organization.partnerKey != nil && (organization.status == .pending || organization.status == .active)
        let next: HTML =
            isReady
            ? "<a class=\"button\" href=\"/organizations/\(organization.id)/mapping/accounts\">Next</a>"
            : "<button disabled aria-describedby=\"next-why\">Next</button>"
        let mappings = organization.mappings
        let mapped = "\(counted(mappings.mappedAccountCount, "account")), \(counted(mappings.mappedServiceCount, "service"))"
        let explanation: HTML =
            isReady
            ? "<p>Mapped so far: \(mapped).</p>"
            : "<p id=\"next-why\">Next lights up once the vendor has authenticated and set the integration to pending.</p>"
        return """
            <section class="card" aria-labelledby="setup"><h2 id="setup">Set up mapping</h2>
            \(explanation)<div class="actions">\(next)</div></section>
            """
    }
}

/// Asks once more before everything is deleted.
struct DisconnectPage {
    let organization: Organization

    var response: Response {
        PageLayout(title: "Disconnect?", organization: (organization.id, organization.name, .integration)).response(
            """
            <section class="card"><p>This deletes \(counted(organization.accounts.items.count, "account")) and every mapping, sets the
            integration to inactive and revokes the Partner API key. Connecting again starts from the beginning.</p>
            <div class="actions"><form method="post" action="/organizations/\(organization.id)/disconnect">
            <button class="danger">Disconnect</button></form>
            <a class="button quiet" href="/organizations/\(organization.id)">Keep it connected</a></div></section>
            """)
    }
}
