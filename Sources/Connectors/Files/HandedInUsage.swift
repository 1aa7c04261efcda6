import Foundation

/// Which usage that was handed in: how it came, under what name, and from when it counts. The newest wins.
public struct HandedInUsage: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case push, upload, file
    }

    public var kind: Kind
    /// A file's name; the id of what was pushed or uploaded.
    public var name: String
    /// When the file was written, or when the push or upload arrived. Whole milliseconds, as it is remembered: a file must not be older
    /// than itself.
    public let countsFrom: Date

    public init(kind: Kind, name: String, countsFrom: Date) {
        self.kind = kind
        self.name = name
        self.countsFrom = Date(timeIntervalSince1970: (countsFrom.timeIntervalSince1970 * 1000).rounded(.down) / 1000)
    }

    /// For sentences, for instance "the file acme.csv, written 2026-11-21 03:00:12 UTC".
    var words: String {
        switch kind {
        case .push: "what was pushed \(countsFrom.inUTC)"
        case .upload: "what was uploaded \(countsFrom.inUTC)"
        case .file: "the file \(name), written \(countsFrom.inUTC)"
        }
    }

    /// Of what was pushed and uploaded the newest alone is kept, so that one never gives way to an older one, whatever the clock said.
    func isOlder(than taken: HandedInUsage) -> Bool {
        (kind == .file || taken.kind == .file) && countsFrom < taken.countsFrom
    }
}

/// What a sync would take of what was handed in for a partner.
struct UsageChoice: Sendable, Hashable {
    /// Nil when there is nothing.
    var usage: HandedInUsage?
    /// Set exactly when `usage` is a file.
    var file: UsageFolder.Found?
    /// Why the partner's file does not count, as a sentence; nil when it counts or there is none.
    var passedOver: String?
}

/// What a sync would take if it began now, for people.
public struct UsageOutlook: Sendable, Hashable {
    /// The newest; nil when there is nothing, or when that cannot be told.
    public var counting: HandedInUsage?
    /// When the newest could first be read.
    public var readyAt: Date?
    /// Why a sync would fail now, in the sync's own words.
    public var problem: String?
    /// Why the partner's file in the folder does not count; nil when it counts or there is none.
    public var passedOver: String?
}

extension UsageIntake {
    /// The newest of the partner's file and what was pushed or uploaded. A file dated in the future is never it.
    /// - Throws: `invalidFile` for a file that is none, or one dated in the future with nothing beside it; `unreachable`.
    func choice(for partner: String, received: HandedInUsage?, now: Date) throws(ConnectorError) -> UsageChoice {
        let name = fileName(of: partner)
        guard let folder, let found = try folder.find(name) else { return UsageChoice(usage: received) }
        if found.isDatedAhead(of: now) {
            let problem = "\(name) is dated in the future (\(found.latestTime.inUTC); it is \(now.inUTC)), so nobody knows how old it is."
            guard let received else { throw .invalidFile("\(problem) Set the clock that dates it right and write it again.") }
            return UsageChoice(usage: received, passedOver: "\(problem) It does not count.")
        }
        let file = HandedInUsage(kind: .file, name: name, countsFrom: found.writtenAt)
        if let received, received.countsFrom >= file.countsFrom {
            return UsageChoice(
                usage: received,
                passedOver: "\(name) was written \(found.writtenAt.inUTC), before \(received.words), and does not count.")
        }
        return UsageChoice(usage: file, file: found)
    }

    /// - Throws: `olderUsage`, or `notReceived` when there is nothing.
    func requireNewest(_ choice: UsageChoice, taken: HandedInUsage?) throws(ConnectorError) -> HandedInUsage {
        let remedy =
            "Nothing was sent; what Synthesize has stays. "
            + (taken?.kind == .file ? "Put the file back, or hand in newer usage." : "Hand in newer usage.")
        guard let usage = choice.usage else {
            throw ConnectorError(
                code: .notReceived,
                message: taken.map { "The last sync took \($0.words), and now no usage is there. \(remedy)" }
                    ?? ("No usage of \(source.name) was handed in for this partner yet; \(source.name) has to do that first. "
                        + "Nothing was changed."))
        }
        if let taken, usage.isOlder(than: taken) {
            let passedOver = choice.passedOver.map { "\($0) " } ?? ""
            throw ConnectorError(
                code: .olderUsage,
                message: "The last sync took \(taken.words). The newest usage now is \(usage.words), which is older. "
                    + "\(passedOver)\(remedy)")
        }
        return usage
    }

    /// - Throws: `outdated`.
    func requireFresh(_ usage: HandedInUsage, _ now: Date) throws(ConnectorError) {
        let age = now.timeIntervalSince(usage.countsFrom)
        guard age > maximumAge.seconds else { return }
        throw ConnectorError(
            code: .outdated,
            message:
                "\(usage.kind == .file ? "The file \(usage.name)" : "The usage that was handed in last") is \(Int(age / 3600)) hours old, "
                + "and at most \(Int(maximumAge.seconds / 3600)) are allowed. Nothing was sent; what Synthesize has stays. "
                + "Hand in newer usage.")
    }

    /// What a sync would take now, or why it would fail.
    /// - Parameters:
    ///   - received: the newest that was pushed or uploaded.
    ///   - taken: what the last sync took.
    public func outlook(for partner: String, received: HandedInUsage?, taken: HandedInUsage?, now: Date) -> UsageOutlook {
        var outlook = UsageOutlook(readyAt: received?.countsFrom)
        do throws(ConnectorError) {
            let choice = try choice(for: partner, received: received, now: now)
            outlook.counting = choice.usage
            outlook.passedOver = choice.passedOver
            if let folder, let file = choice.file { outlook.readyAt = folder.readyAt(file) }
            let usage = try requireNewest(choice, taken: taken)
            try requireFresh(usage, now)
            if let folder, let file = choice.file { try folder.requireReadable(usage.name, file, limit: limit, now: now) }
        } catch {
            outlook.problem = error.message
        }
        return outlook
    }
}

extension Date {
    /// For instance "2026-11-21 03:00:12 UTC".
    fileprivate var inUTC: String {
        formatted(.iso8601).replacing("T", with: " ").replacing("Z", with: " UTC")
    }
}
