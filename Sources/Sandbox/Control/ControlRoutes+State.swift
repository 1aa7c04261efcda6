extension ControlRoutes {
    /// State, faults, settings, counters.
    mutating func addState() {
        on(.get, "/state") { control in
            control.sandbox.withModel { model, now in model.stateJSON(at: now) }
        }
        on(.put, "/faults") { control in
            guard let elements = control.body.elements else {
                throw SandboxError(.invalid, "Faults are an array; [] removes all.")
            }
            let faults = try elements.map(Fault.init)
            return control.sandbox.withModel { model, _ in
                model.setFaults(faults)
                return .array(model.faults.map(\.json))
            }
        }
        on(.patch, "/settings") { control in
            try control.sandbox.withModel { model, _ in
                try model.settings.apply(control.body)
                return model.settings.json
            }
        }
        on(.delete, "/requests") { control in
            control.sandbox.withModel { model, _ in
                model.resetMeters()
                return model.requests.json
            }
        }
    }
}

extension SandboxModel {
    /// Starts counting requests anew.
    public mutating func resetMeters() {
        requests = RequestMeter()
        for position in vendorAPIs.indices { vendorAPIs[position].requests = RequestMeter() }
    }
}
