import HTTPClient

extension SynthesizeClient {
    /// O1: the credential check; what Synthesize says of this partner's integration.
    public func organization() async throws(SynthesizeError) -> PartnerOrganization {
        try await read(PartnerOrganization.self, "O1", "/organization")
    }

    /// O2: sets the integration status. No body (contract O2).
    /// - Returns: the organization as answered; nil when the answer does not show it.
    @discardableResult
    public func updateStatus(_ status: IntegrationStatus) async throws(SynthesizeError) -> PartnerOrganization? {
        let path = try Self.path("O2", "/organization/status/", status.rawValue)
        return try await perform("O2", .patch, path, repeating: .always) { answer in
            do { return try Self.decode(PartnerOrganization.self, "O2", answer) } catch { return nil }
        }
    }

    /// O3: the customers in the partner's PSA; all pages. Page size and end signal are unknown, so a page without new ids
    /// ends the list (U-16), and so do 1,000 pages.
    /// - Parameter search: only clients that match this text.
    public func clients(search: String? = nil) async throws(SynthesizeError) -> [PSAClient] {
        var clients: [PSAClient] = []
        var known: Set<String> = []
        for _ in 0..<1_000 {
            var query: [String] = []
            if let search { query.append("search=" + PercentEncoding.queryComponent(search)) }
            if let last = clients.last { query.append("previousId=" + PercentEncoding.queryComponent(last.id)) }
            let path = "/organization/clients" + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
            let new = try await read(ClientPage.self, "O3", path).clients.filter { known.insert($0.id).inserted }
            if new.isEmpty { break }
            clients += new
        }
        return clients
    }
}

private struct ClientPage: Decodable, Sendable {
    let clients: [PSAClient]

    private enum Key: CodingKey { case clients }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let clients = container.lenientArray(PSAClient.self, .clients) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "no list of clients"))
        }
        self.clients = clients
    }
}
