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
        // Small, for a test that asks many times a second how far things are.
        on(.get, "/requests") { control in control.sandbox.withModel { model, _ in model.metersJSON } }
        on(.get, "/journal") { control in control.sandbox.withModel { model, _ in .array(model.journal.map(\.json)) } }
        on(.delete, "/requests") { control in
            control.sandbox.withModel { model, _ in
                model.resetMeters()
                return model.requests.json
            }
        }
    }
}

extension SandboxModel {
    var metersJSON: JSONValue {
        [
            "requests": requests.json,
            "vendorRequests": .object(vendorAPIs.map { JSONValue.Member(name: $0.name, value: $0.requests.json) }),
        ]
    }

    /// Starts counting requests anew, with an empty journal.
    public mutating func resetMeters() {
        requests = RequestMeter()
        journal = []
        for position in vendorAPIs.indices { vendorAPIs[position].requests = RequestMeter() }
    }
}
