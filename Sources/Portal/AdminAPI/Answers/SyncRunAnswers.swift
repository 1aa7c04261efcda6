import Foundation
import Integration
import Store

/// A run with what became of its lines.
struct SyncRunAnswer: Encodable, Sendable {
    var id: SyncRunID
    var partnerId: PartnerID
    var purpose: RunPurpose
    var trigger: RunTrigger
    @OrNull var startedBy: String?
    var state: RunState
    var stage: RunStage
    var createdAt: Date
    @OrNull var startedAt: Date?
    @OrNull var finishedAt: Date?
    @OrNull var failure: FailureAnswer?
    var cancelRequested: Bool
    /// How often a process died while working on the run at the same place.
    var interruptions: Int
    /// When the run's lines were removed for their age.
    @OrNull var linesRemovedAt: Date?
    /// Which usage that was handed in it took.
    @OrNull var usage: TakenUsageAnswer?
    var tally: TallyAnswer
    var findings: FindingsAnswer

    init(_ run: SyncRun) {
        id = run.id
        partnerId = run.partnerID
        purpose = run.purpose
        trigger = run.trigger
        startedBy = run.startedBy
        state = run.state
        stage = run.stage
        createdAt = run.createdAt
        startedAt = run.startedAt
        finishedAt = run.finishedAt
        failure = run.failure.map(FailureAnswer.init)
        cancelRequested = run.cancelRequested
        interruptions = run.interruptions
        linesRemovedAt = run.linesRemovedAt
        usage = run.usage.map(TakenUsageAnswer.init)
        tally = TallyAnswer(run.tally)
        findings = FindingsAnswer(run.findings)
    }
}

/// Which usage that was handed in a run took.
struct TakenUsageAnswer: Encodable, Sendable {
    var origin: TakenUsage.Origin
    var name: String
    var countsFrom: Date

    init(_ usage: TakenUsage) {
        origin = usage.origin
        name = usage.name
        countsFrom = usage.countsFrom
    }
}

/// Lines by what became of them.
struct TallyAnswer: Encodable, Sendable {
    var accepted, notMapped, rejected, failed, excluded, droppedToZero, notSent, open: Int

    init(_ tally: RunTally) {
        accepted = tally.accepted
        notMapped = tally.notMapped
        rejected = tally.rejected
        failed = tally.failed
        excluded = tally.excluded
        droppedToZero = tally.droppedToZero
        notSent = tally.notSent
        open = tally.open
    }
}

/// What a run did besides sending lines.
struct FindingsAnswer: Encodable, Sendable {
    var accountsRead, accountsCreated, accountsUpdated, servicesCreated, servicesUpdated, recordsDropped: Int
    @OrNull var statusBefore: String?
    @OrNull var statusAfter: String?
    var mappingLost: Bool
    var dropAllowed: Bool
    var accountsRefused: [RefusedAccount]

    init(_ findings: RunFindings) {
        accountsRead = findings.accountsRead
        accountsCreated = findings.accountsCreated
        accountsUpdated = findings.accountsUpdated
        servicesCreated = findings.servicesCreated
        servicesUpdated = findings.servicesUpdated
        recordsDropped = findings.recordsDropped
        statusBefore = findings.statusBefore
        statusAfter = findings.statusAfter
        mappingLost = findings.mappingLost
        dropAllowed = findings.dropAllowed
        accountsRefused = findings.accountsRefused
    }
}

/// One line of a run's ledger.
struct UsageLineAnswer: Encodable, Sendable {
    var position: Int
    var accountId: String
    var accountName: String
    var serviceId: String
    var serviceName: String
    /// What the count counts.
    @OrNull var basis: BasisAnswer?
    /// As the vendor counted.
    var rawCount: Decimal
    /// As sent to Synthesize.
    @OrNull var sentCount: Decimal?
    var state: UsageLineState
    var attempts: Int
    @OrNull var httpStatus: Int?
    @OrNull var message: String?
    @OrNull var intentAt: Date?
    @OrNull var outcomeAt: Date?

    init(_ line: UsageLine) {
        position = line.position
        accountId = line.accountID
        accountName = line.accountName
        serviceId = line.serviceID
        serviceName = line.serviceName
        basis = line.basis.map(BasisAnswer.init)
        rawCount = line.rawCount
        sentCount = line.sentCount
        state = line.state
        attempts = line.attempts
        httpStatus = line.httpStatus
        message = line.message
        intentAt = line.intentAt
        outcomeAt = line.outcomeAt
    }
}

/// What a count counts, as the connector names it.
struct BasisAnswer: Encodable, Sendable {
    var connector: String
    var name: String
    var version: Int

    init(_ basis: LineBasis) {
        connector = basis.connectorID
        name = basis.name
        version = basis.version
    }
}
