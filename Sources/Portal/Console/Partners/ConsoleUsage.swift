import Foundation
import HTTPServer
import Integration
import Store

/// What was handed in for a partner, and the form for one more file; on the page of a partner whose usage is handed in.
struct ConsoleUsageView: Sendable {
    var facts: [ConnectionCardView.FactView]
    /// Why a sync would fail now; empty when it would not.
    var warning: String
    /// Files that are passed over, and why.
    var passedOver: [String]
    /// Why the last file was not taken; empty when there was none.
    var error: String
    /// What becomes of the next file.
    var help: String
    var button: String
    /// The same form sent twice is one delivery.
    var key: String

    init(_ usage: UsageOverview, _ time: LocalTime, now: Date, isConnected: Bool, error: String, key: String) {
        self.error = error
        self.key = key
        button = isConnected ? "Upload and sync" : "Upload"
        help =
            "The whole usage of this partner, at most \(Self.size(usage.limit)). It is taken whole, or refused with the line of the first "
            + "mistake. " + (isConnected ? "Then a sync starts." : "The partner is not connected, so it is kept until it is.")
        passedOver = [usage.outlook.passedOver].compactMap(\.self) + usage.strays.shown
        if usage.strays.more > 0 { passedOver.append("\(Wording.count(usage.strays.more, "more file")) in the folder, too.") }
        let isNothingThere = usage.outlook.counting == nil && usage.newest == nil
        warning = usage.outlook.problem.map { isNothingThere && usage.fileName == nil ? "" : "A sync would fail now: \($0)" } ?? ""
        facts = [Self.counting(usage, time, now: now)]
        if let newest = usage.newest {
            facts += [
                ConnectionCardView.FactView(
                    label: newest.channel == .push ? "Last pushed" : "Last uploaded", value: time.dateAndTime(newest.receivedAt),
                    remark: "by \(newest.receivedFrom)"),
                ConnectionCardView.FactView(
                    label: "Holds",
                    value: "\(Wording.count(newest.accounts, "account")), \(Wording.count(newest.counts, "count"))", remark: ""),
            ]
        } else {
            facts.append(ConnectionCardView.FactView(label: "Pushed or uploaded", value: "nothing yet", remark: ""))
        }
        if let fileName = usage.fileName {
            facts.append(ConnectionCardView.FactView(label: "File looked for in the folder", value: fileName, remark: ""))
        }
    }

    private static func counting(_ usage: UsageOverview, _ time: LocalTime, now: Date) -> ConnectionCardView.FactView {
        guard let counting = usage.outlook.counting else {
            return ConnectionCardView.FactView(label: "The next sync takes", value: "nothing", remark: "")
        }
        let (value, verb) =
            switch counting.kind {
            case .push: ("what was pushed last", "pushed")
            case .upload: ("what was uploaded last", "uploaded")
            case .file: ("the file \(counting.name)", "written")
            }
        return ConnectionCardView.FactView(
            label: "The next sync takes", value: value,
            remark: "\(verb) \(time.dateAndTime(counting.countsFrom)), \(Wording.duration(now.timeIntervalSince(counting.countsFrom))) ago")
    }

    private static func size(_ bytes: Int) -> String {
        bytes.isMultiple(of: 1 << 20) ? "\(bytes >> 20) MiB" : bytes.isMultiple(of: 1 << 10) ? "\(bytes >> 10) KiB" : "\(bytes) bytes"
    }
}

extension ConsoleVisit {
    /// Nil where the vendor is asked.
    func usageView(_ overview: PartnerOverview, error: String) async throws(IntegrationError) -> ConsoleUsageView? {
        guard let usage = try await desk.usageOverview(partnerID) else { return nil }
        return ConsoleUsageView(
            usage, LocalTime(zoneName: overview.partner.timeZone), now: environment.time.now(),
            isConnected: overview.connection.state == .connected, error: error, key: environment.random.identifier(prefix: "console-"))
    }

    /// Takes the form with the file. Nothing of the file is looked at before the form's token.
    fileprivate func uploadUsage() async throws -> Response {
        guard request.isMultipartForm else {
            _ = try await FormToken.checkedForm(request, session)
            return try await refused("Choose a file.")
        }
        // What stands around the file in the form is small.
        let limit = try desk.usageIntake().limit + (64 << 10)
        let form = try await request.multipartForm(upTo: limit)
        try FormToken.check(form.fields, session)
        guard let file = form["file"], file.fileName?.isEmpty == false, !file.bytes.isEmpty else {
            return try await refused("Choose a file that is not empty.")
        }
        let key = form["key"]?.text
        switch await upload(file.bytes, key: key) {
        case .success(let delivery):
            return .redirect(to: delivery.startedRun.map { "/console/runs/\($0)" } ?? "/console/partners/\(partnerID)")
        case .failure(let error):
            // The key is the form's own, and a person knows nothing of it. The page that follows brings a new one.
            if error.field == "Idempotency-Key" {
                return try await refused(
                    "This form was sent before, with another file. Nothing was taken; choose the file once more and send it.")
            }
            guard error.code == .invalidInput else { throw error }
            return try await refused(error.message)
        }
    }

    private func upload(_ bytes: [UInt8], key: String?) async -> Result<UsageDelivery, IntegrationError> {
        do throws(IntegrationError) {
            return .success(try await desk.receiveUsage(partnerID, .upload, key: key, bytes, by: initiator))
        } catch {
            return .failure(error)
        }
    }

    private func refused(_ problem: String) async throws -> Response {
        page("console-partner", try await partnerView(usageError: problem), status: .unprocessableContent)
    }
}

extension Console {
    static let usageRoutes = [
        ConsoleRoute(method: .post, path: "/console/partners/{partnerId}/usage", role: .operator) { visit in
            try await visit.uploadUsage()
        }
    ]
}
