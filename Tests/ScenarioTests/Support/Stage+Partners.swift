import Foundation
import HTTPClient
import Integration
import Portal
import Secrets
import Store

/// A partner on the stage: in Perch's database and in Synthesize.
struct StagePartner: Sendable {
    var id: String
    var reference: String
    var name: String
    var organizationID: String
    var partnerKey: String
    /// What its calls carry (contract section 2).
    var token: String

    var partnerID: PartnerID { PartnerID(id) }
}

extension Stage {
    /// A partner that has an account at the vendor and a key in Synthesize, and has not connected them.
    func partner(_ name: String = "Northwind IT") async throws -> StagePartner {
        let reference = name.lowercased().replacing(" ", with: "-")
        let made = try await office.post(
            PartnerAnswer.self, "/partners", ["vendorReference": reference, "name": name, "timeZone": "Europe/Berlin"])
        let organization = try await sandbox.createOrganization(name)
        return StagePartner(
            id: made.id, reference: reference, name: name, organizationID: organization.id,
            partnerKey: organization.partnerKey, token: organization.token)
    }

    /// Connected; its accounts and services are in Synthesize and not mapped.
    func connectedPartner(_ name: String = "Northwind IT", vendor: SandboxHand? = nil) async throws -> StagePartner {
        let partner = try await partner(name)
        let visitor = try await visit(partner)
        try await connect(partner, as: visitor, vendor: vendor)
        return partner
    }

    /// Connected, and everything mapped.
    func mappedPartner(_ name: String = "Northwind IT", vendor: SandboxHand? = nil) async throws -> StagePartner {
        let partner = try await connectedPartner(name, vendor: vendor)
        try await sandbox.mapEverything(partner)
        return partner
    }

    /// A browser that came in by a signed token of the vendor's portal.
    func visit(_ partner: StagePartner) async throws -> Visitor {
        let visitor = Visitor(origin: portalURL, client: client)
        let page = try await visitor.open("/launch?token=" + launchToken(partner))
        guard page.status == 200 else { throw Stuck("the launch was refused: \(page.status) \(page.text)") }
        return visitor
    }

    func launchToken(_ partner: StagePartner) async throws -> String {
        try await LaunchTokens.sign(
            vendorReference: partner.reference, name: partner.name, secret: launchSecret, now: clock.source.now(),
            random: .system)
    }

    /// Fills in the form and waits until accounts and services are ready.
    func connect(_ partner: StagePartner, as visitor: Visitor, key: String? = nil, vendor: SandboxHand? = nil) async throws {
        let page = try await visitor.submit("/connect", connectEntries(partner, key: key, vendor: vendor))
        guard page.status == 200 else { throw Stuck("connect: \(page.status) \(page.text)") }
        let job = try await connectJob(partner)
        guard job.state == .succeeded else { throw Stuck("the connect job: \(job.state) \(job.failure?.message ?? "")") }
    }

    func connectEntries(_ partner: StagePartner, key: String? = nil, vendor: SandboxHand? = nil) -> [String: String] {
        let vendor = vendor ?? sandbox
        return [
            "partnerKey": key ?? partner.partnerKey, "vendor-apiKey": vendor.server.saasAlertsAPIKey,
            "vendor-apiURL": vendor.url + "/saas-alerts",
        ]
    }

    /// The newest connect job, when it has ended.
    func connectJob(_ partner: StagePartner) async throws -> SyncRun {
        guard let job = try await desk.overview(partner.partnerID).connectJob else { throw Stuck("there is no connect job") }
        return try await ended(job.id)
    }

    /// Presses Sync Now.
    @discardableResult
    func startSync(_ partner: StagePartner) async throws -> RunAnswer {
        try await office.post(RunAnswer.self, "/partners/\(partner.id)/sync-runs")
    }

    /// Presses Sync Now and waits for the end.
    func sync(_ partner: StagePartner) async throws -> RunAnswer {
        try await finished(try await startSync(partner))
    }

    func finished(_ run: RunAnswer) async throws -> RunAnswer {
        _ = try await ended(SyncRunID(run.id))
        return try await office.run(run.id)
    }

    /// Watches a run to its end.
    private func ended(_ id: SyncRunID) async throws -> SyncRun {
        for await progress in try await desk.progress(of: id) where !progress.state.isActive { break }
        return try await desk.syncRun(id)
    }
}
