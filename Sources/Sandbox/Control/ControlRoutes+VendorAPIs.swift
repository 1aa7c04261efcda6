extension ControlRoutes {
    /// `PUT /control/{name}` sets up a simulated vendor API, for instance `/control/saas-alerts`.
    mutating func addVendorAPIs() {
        let names = sandbox.withModel { model, _ in model.vendorAPIs.map(\.name) }
        for (position, name) in names.enumerated() {
            on(.put, "/\(name)") { control in
                try control.sandbox.withModel { model, _ in
                    try model.vendorAPIs[position].configure(control.body)
                    return [:]
                }
            }
        }
    }
}
