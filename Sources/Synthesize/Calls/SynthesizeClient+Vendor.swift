import HTTPClient

extension SynthesizeClient {
    /// V1: the vendor's record with its services.
    public func vendor() async throws(SynthesizeError) -> VendorProfile {
        try await read(VendorProfile.self, "V1", "")
    }

    /// V2: changes the vendor's record.
    /// - Throws: `invalidInput` when nothing would change.
    public func updateVendor(_ changes: VendorChanges) async throws(SynthesizeError) -> VendorProfile {
        guard !changes.isEmpty else { throw .nothingToChange("V2") }
        let body = try Self.encode(changes, "V2")
        return try await perform("V2", .patch, "", body: body, repeating: .always) { answer throws(SynthesizeError) in
            try Self.decode(VendorProfile.self, "V2", answer)
        }
    }

    /// S1: creates a vendor-level service. Not repeated blindly, because a second one of the same name may be made (U-37): after
    /// `answerLost` or `answerUnreadable` read V1 again.
    /// - Returns: the new service, nil when the answer does not show it (U-14).
    public func createService(_ draft: ServiceDraft) async throws(SynthesizeError) -> VendorService? {
        let body = try Self.encode(draft, "S1")
        return try await perform("S1", .post, "/service", body: body, repeating: .whenWithoutEffect) { answer in
            CreatedService.find(draft.name, in: answer)
        }
    }

    /// S2: one vendor-level service.
    public func service(_ id: String) async throws(SynthesizeError) -> VendorService {
        let path = try Self.path("S2", "/service/", id)
        let answer = try await read(ServiceAnswer.self, "S2", path)
        guard let service = answer.service(id) else {
            throw SynthesizeError(
                code: .answerUnreadable, call: "S2", status: 200, message: "Synthesize's answer holds no such service.")
        }
        return service
    }

    /// S3: changes a vendor-level service. The answer's form is unknown, so it is not read; V1 tells (U-13).
    public func updateService(_ id: String, _ changes: ServiceChanges) async throws(SynthesizeError) {
        guard !changes.isEmpty else { throw .nothingToChange("S3") }
        let path = try Self.path("S3", "/service/", id)
        let body = try Self.encode(changes, "S3")
        try await perform("S3", .patch, path, body: body, repeating: .always) { _ in }
    }

    /// A path ending in one encoded segment; `suffix` follows it.
    /// - Throws: `invalidInput` for an empty id, which would name another resource (contract section 14).
    static func path(
        _ call: String, _ prefix: String, _ id: String, _ suffix: String = ""
    ) throws(SynthesizeError) -> String {
        guard !id.isEmpty else { throw .emptyID(call) }
        return prefix + PercentEncoding.pathSegment(id) + suffix
    }
}

extension SynthesizeError {
    static func emptyID(_ call: String) -> SynthesizeError {
        SynthesizeError(code: .invalidInput, call: call, message: "The id is empty; nothing was sent.")
    }

    static func nothingToChange(_ call: String) -> SynthesizeError {
        SynthesizeError(code: .invalidInput, call: call, message: "At least one field must change; nothing was sent.")
    }
}

/// S2's `data`: a service or a whole vendor (U-15).
private struct ServiceAnswer: Decodable, Sendable {
    private let services: [VendorService]

    init(from decoder: any Decoder) throws {
        do {
            // Tried first, because a vendor can be read as a service: it has id and name too.
            services = try VendorProfile(from: decoder).services
        } catch {
            services = [try VendorService(from: decoder)]
        }
    }

    func service(_ id: String) -> VendorService? {
        services.first { $0.id == id }
    }
}

/// S1's answer: the service by name in `skus`, in `data.skus`, or the object itself (U-14).
private enum CreatedService {
    static func find(_ name: String, in answer: IncomingResponse) -> VendorService? {
        if let vendor = readable(VendorProfile.self, answer) {
            return vendor.services.first { $0.name.lowercased() == name.lowercased() }
        }
        guard let service = readable(VendorService.self, answer), service.name.lowercased() == name.lowercased() else {
            return nil
        }
        return service
    }

    private static func readable<Value: Decodable>(_ type: Value.Type, _ answer: IncomingResponse) -> Value? {
        do { return try SynthesizeClient.decode(type, "S1", answer) } catch { return nil }
    }
}
