import HTTPServer

/// PSA products on the left, the vendor's services on the right, many to many.
struct ServiceMappingPage {
    let organization: Organization
    let vendor: Vendor
    var notice: Notice?
    var problem: String?

    var response: Response {
        PageLayout(
            title: "Service mapping", organization: (organization.id, organization.name, .services),
            notice: notice?.text, problem: problem
        ).response(content, status: problem == nil ? .ok : .conflict)
    }

    private var content: HTML {
        let services = organization.mappableServices(vendor: vendor)
        guard !services.isEmpty else {
            return "<p>No services have arrived yet. The vendor creates them.</p>"
        }
        return """
            <form method="post" action="/organizations/\(organization.id)/mapping/services" class="card">
            <p>Tick the PSA products that each service of the vendor stands for. Several are allowed.</p>
            <div class="pair heads"><span>PSA products</span><span>Vendor service</span></div>
            \(services.map(row))
            <div class="actions"><button name="action" value="save">Save mappings</button>
            <button class="quiet" name="action" value="auto">Auto-map exact names</button>
            <button class="quiet" name="action" value="finish">Finish</button></div>
            <p class="soft">Finishing needs at least one account and one service mapped.</p></form>
            """
    }

    private func row(_ service: (key: String, id: String, name: String)) -> HTML {
        let mapped = organization.mappings.products(ofService: service.key)
        let isExcluded = organization.mappings.services[service.key] == .excluded
        let products = organization.products.map { product -> HTML in
            let checked: HTML = mapped.contains(product.id) ? " checked" : .none
            return "<label><input type=\"checkbox\" name=\"product\" value=\"\(product.id)\"\(checked)> \(product.name)</label>\n"
        }
        let excluded: HTML = isExcluded ? " checked" : .none
        let state: HTML =
            if isExcluded {
                "<span class=\"badge soft\">excluded</span>"
            } else {
                mapped.isEmpty ? "<span class=\"badge warn\">unmapped</span>" : "<span class=\"badge good\">mapped</span>"
            }
        return """
            <div class="pair"><fieldset class="checks" aria-label="PSA products for \(service.name)">
            <input type="hidden" name="service" value="\(service.key)">
            \(products)<label class="apart"><input type="checkbox" name="excluded" value="yes"\(excluded)> Exclude this service</label></fieldset>
            <span>\(service.name) \(state)<br><span class="soft">\(service.id)</span></span></div>

            """
    }

    /// Reads the rows of the form: a service, then what is ticked for it. Excluding wins over products.
    static func choices(_ form: FormFields) -> [(id: String, choice: SandboxModel.ServiceChoice)] {
        var rows: [(id: String, products: [String], isExcluded: Bool)] = []
        for field in form.pairs {
            switch field.name {
            case "service": rows.append((field.value, [], false))
            case "product" where !rows.isEmpty: rows[rows.count - 1].products.append(field.value)
            case "excluded" where !rows.isEmpty: rows[rows.count - 1].isExcluded = true
            default: break
            }
        }
        return rows.map { row in
            if row.isExcluded { return (row.id, .excluded) }
            return (row.id, row.products.isEmpty ? .unmapped : .products(row.products))
        }
    }
}
