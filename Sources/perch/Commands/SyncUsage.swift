import ArgumentParser
import Integration
import Portal
import Store

struct SyncUsage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send every count, with a ledger.",
        discussion: """
            Keeps the ledger in the data directory, so that an interrupted sync goes on where it stopped. Exits with 0 when \
            every count was accepted or is only not mapped yet, 5 when some were not accepted, 3 when a key was refused, 4 when \
            Synthesize or the vendor could not be reached, 7 when the run is held.

            With --dry-run the vendor is read and compared with what Synthesize last accepted; nothing is sent and nothing is \
            recorded. Each count is a line of account id, account, service, last count, new count and change, separated by tabs. \
            Exits with 7 when the run would be held.
            """)
    @OptionGroup var settings: SettingOptions
    @Flag(help: "Show what would be sent, and send nothing.") var dryRun = false

    func run() async throws {
        try await Console.reporting {
            let keys = try PartnerKeys(settings)
            let application = try await buildApplication(configuration: keys.configuration, dependencies: keys.dependencies)
            if dryRun {
                try await preview(application, keys)
                return
            }
            let working = Task { await application.desk.run() }
            let outcome: Result<SyncRun, any Error>
            do {
                outcome = .success(try await sync(application.desk, keys))
            } catch {
                outcome = .failure(error)
            }
            working.cancel()
            await working.value
            try await application.store.close()
            try report(try outcome.get())
        }
    }

    /// Nothing of the desk works meanwhile, so an interrupted run of earlier is not taken up.
    private func preview(_ application: Application, _ keys: PartnerKeys) async throws {
        let outcome: Result<UsagePreview, any Error>
        do {
            outcome = .success(
                try await application.desk.previewSync(vendorReference: SinglePartner.reference, fields: keys.fields))
        } catch {
            outcome = .failure(error)
        }
        try await application.store.close()
        let preview = try outcome.get()
        for line in preview.lines { Console.say(PreviewLine.text(line)) }
        Console.say(PreviewLine.summary(preview))
        if let hold = preview.hold {
            Console.warn("perch: A sync would be held. " + hold.message)
            throw ExitStatus.held.code
        }
    }

    private func sync(_ desk: Desk, _ keys: PartnerKeys) async throws -> SyncRun {
        let partner = try await desk.admitPartner(
            vendorReference: SinglePartner.reference, name: nil, timeZone: keys.configuration.defaultTimeZone)
        let connecting = try await desk.connect(
            partner.id,
            ConnectRequest(partnerKey: keys.partnerKey.reveal(), fields: keys.fields, confirmsOtherOrganization: true),
            by: .commandLine)
        let connected = try await finish(connecting.id, desk)
        guard connected.state == .succeeded else { return connected }
        return try await finish(try await desk.startSync(partner.id, by: .commandLine).run.id, desk)
    }

    /// Watches a run to its end.
    private func finish(_ id: SyncRunID, _ desk: Desk) async throws -> SyncRun {
        let bar = ProgressBar()
        for await progress in try await desk.progress(of: id) { bar.draw(progress) }
        bar.clear()
        return try await desk.syncRun(id)
    }

    private func report(_ run: SyncRun) throws {
        let tally = run.tally
        if run.purpose != .connect {
            Console.say(
                "\(tally.accepted) accepted, \(tally.notMapped) not mapped, \(tally.rejected) rejected, \(tally.failed) failed, "
                    + "\(tally.excluded) excluded, \(tally.droppedToZero) dropped to zero")
        }
        if let failure = run.failure { Console.warn("perch: " + failure.message) }
        switch run.state {
        case .succeeded: return
        case .partial: throw ExitStatus.partial.code
        case .held: throw ExitStatus.held.code
        case .queued, .running, .failed, .cancelled:
            switch run.failure?.code {
            case "run.linesFailed": throw ExitStatus.partial.code
            case "synthesize.keyRefused", "synthesize.forbidden", "vendor.credentialRefused": throw ExitStatus.refused.code
            default: throw ExitStatus.unavailable.code
            }
        }
    }
}
