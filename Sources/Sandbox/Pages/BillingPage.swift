import HTTPServer

/// Service cards: PSA quantity on the left, vendor quantity on the right (contract section 13).
struct BillingPage {
    let organization: Organization
    let vendor: Vendor
    var problem: String?

    var response: Response {
        PageLayout(title: "Billing", organization: (organization.id, organization.name, .billing), problem: problem)
            .response(content, status: problem == nil ? .ok : .conflict)
    }

    private var content: HTML {
        let cards = organization.serviceCards(vendor: vendor)
        return """
            <form method="post" action="/organizations/\(organization.id)/billing"><p><button class="quiet">Refresh</button>
            <span class="soft">Shows the counts received so far. Last usage: \(pageText(organization.lastSyncedAt)).</span></p></form>
            \(cards.isEmpty ? "<p>There are no service cards: nothing is mapped yet.</p>" : .none)
            \(cards.map(card))
            """
    }

    private func card(_ card: ServiceCard) -> HTML {
        """
        <section class="card" aria-label="\(card.serviceName)"><h2>\(card.serviceName)</h2>
        <table><caption>PSA products: \(card.productNames.joined(separator: ", "))</caption>
        <thead><tr><th scope="col">PSA client</th><th scope="col" class="number">PSA quantity</th>
        <th scope="col" class="number">Vendor quantity</th><th scope="col">Result</th></tr></thead>
        <tbody>
        \(card.lines.map(row))</tbody></table></section>

        """
    }

    private func row(_ line: ServiceCard.Line) -> HTML {
        let tone =
            switch line.kind {
            case .newRevenue: "good"
            case .reconcile: "warn"
            case .noChange, .notReceived: "soft"
            }
        return """
            <tr><th scope="row">\(line.clientName)</th><td class="number" data-label="PSA quantity">\(text(line.psaQuantity))</td>
            <td class="number" data-label="Vendor quantity">\(line.vendorQuantity.map(text) ?? "–")</td>
            <td data-label="Result"><span class="badge \(tone)">\(line.kind.rawValue)</span></td></tr>

            """
    }

    private func text(_ quantity: Double) -> String { String(decoding: JSONValue.number(quantity).bytes, as: UTF8.self) }
}
