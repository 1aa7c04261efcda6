import Foundation
import MemoryStore
import Secrets
import Store

/// What a process remembers, each call a step of its own: others may act, and the process may die, between any two.
struct StepwiseStore: Store {
    let memory: MemoryStore
    /// Returns when the disk gets to the next call.
    let step: @Sendable () async -> Void

    func wrappedKey() async throws(StoreError) -> WrappedDataKey? {
        await step()
        return try memory.wrappedKey()
    }
    func insertWrappedKey(_ key: WrappedDataKey) async throws(StoreError) {
        await step()
        try memory.insertWrappedKey(key)
    }
    func wrappedKeys() async throws(StoreError) -> [WrappedDataKey] {
        await step()
        return try memory.wrappedKeys()
    }
    func replaceWrappedKey(with key: WrappedDataKey, at instant: Date) async throws(StoreError) {
        await step()
        try memory.replaceWrappedKey(with: key, at: instant)
    }
    func rewrapKeys(_ keys: [WrappedDataKey]) async throws(StoreError) {
        await step()
        try memory.rewrapKeys(keys)
    }
    func adoptProofs(
        _ keys: [WrappedDataKey], partners: [PartnerID: String], operatorKeys: [OperatorKeyID: String]
    ) async throws(StoreError) {
        await step()
        try memory.adoptProofs(keys, partners: partners, operatorKeys: operatorKeys)
    }
    func removeUnusedKeys() async throws(StoreError) -> [String] {
        await step()
        return try memory.removeUnusedKeys()
    }
    func sealedValues(notUnder keyID: String?, after cursor: SealContext?, limit: Int) async throws(StoreError) -> [SealedValue] {
        await step()
        return try memory.sealedValues(notUnder: keyID, after: cursor, limit: limit)
    }
    func replaceSealed(_ replacements: [SealedReplacement]) async throws(StoreError) -> Int {
        await step()
        return try memory.replaceSealed(replacements)
    }
    func sealedSetting(_ name: String) async throws(StoreError) -> SealedSecret? {
        await step()
        return try memory.sealedSetting(name)
    }
    func insertSealedSetting(_ name: String, _ value: SealedSecret) async throws(StoreError) {
        await step()
        try memory.insertSealedSetting(name, value)
    }
    func insertDelivery(
        _ delivery: UsageDelivery, content: [UInt8], run: SyncRun?, forgettingBefore horizon: Date
    ) async throws(StoreError) -> DeliveryInsertion {
        await step()
        return try memory.insertDelivery(delivery, content: content, run: run, forgettingBefore: horizon)
    }
    func lastTakenUsage(_ partner: PartnerID) async throws(StoreError) -> TakenUsage? {
        await step()
        return try memory.lastTakenUsage(partner)
    }
    func delivery(_ partner: PartnerID, key: String) async throws(StoreError) -> UsageDelivery? {
        await step()
        return try memory.delivery(partner, key: key)
    }
    func newestDelivery(_ partner: PartnerID) async throws(StoreError) -> UsageDelivery? {
        await step()
        return try memory.newestDelivery(partner)
    }
    func newestContent(_ partner: PartnerID) async throws(StoreError) -> (delivery: UsageDelivery, content: [UInt8])? {
        await step()
        return try memory.newestContent(partner)
    }
    func checkWritable() async throws(StoreError) {
        await step()
        try memory.checkWritable()
    }
    func close() async throws(StoreError) {
        await step()
        memory.close()
    }

    func insertOperatorKey(_ key: OperatorKey) async throws(StoreError) {
        await step()
        try memory.insertOperatorKey(key)
    }
    func operatorKey(hash: String) async throws(StoreError) -> OperatorKey? {
        await step()
        return try memory.operatorKey(hash: hash)
    }
    func operatorKey(_ id: OperatorKeyID) async throws(StoreError) -> OperatorKey? {
        await step()
        return try memory.operatorKey(id)
    }
    func operatorKeys() async throws(StoreError) -> [OperatorKey] {
        await step()
        return try memory.operatorKeys()
    }
    func touchOperatorKey(_ id: OperatorKeyID, at: Date) async throws(StoreError) {
        await step()
        try memory.touchOperatorKey(id, at: at)
    }
    func replaceOperatorKeyHash(_ id: OperatorKeyID, _ before: String, with hash: String) async throws(StoreError) {
        await step()
        try memory.replaceOperatorKeyHash(id, before, with: hash)
    }
    func revokeOperatorKey(_ revoked: OperatorKey, evenIfLastLasting: Bool) async throws(StoreError) -> Revocation {
        await step()
        return try memory.revokeOperatorKey(revoked, evenIfLastLasting: evenIfLastLasting)
    }
    func openSession(
        _ session: WebSession, with pass: LaunchPass?, replacing tokenHash: String?
    ) async throws(StoreError) -> Bool {
        await step()
        return try memory.openSession(session, with: pass, replacing: tokenHash)
    }
    func session(tokenHash: String) async throws(StoreError) -> WebSession? {
        await step()
        return try memory.session(tokenHash: tokenHash)
    }
    func touchSession(_ session: WebSession) async throws(StoreError) {
        await step()
        try memory.touchSession(session)
    }
    func deleteSession(tokenHash: String) async throws(StoreError) {
        await step()
        try memory.deleteSession(tokenHash: tokenHash)
    }
    func deleteSessions(of subject: SessionSubject) async throws(StoreError) {
        await step()
        try memory.deleteSessions(of: subject)
    }
    func isNonceUsed(_ nonce: String) async throws(StoreError) -> Bool {
        await step()
        return try memory.isNonceUsed(nonce)
    }
    func insertLaunchLink(_ link: LaunchLink) async throws(StoreError) {
        await step()
        try memory.insertLaunchLink(link)
    }
    func launchLink(tokenHash: String) async throws(StoreError) -> LaunchLink? {
        await step()
        return try memory.launchLink(tokenHash: tokenHash)
    }
    func appendAudit(_ entry: AuditEntry) async throws(StoreError) {
        await step()
        try memory.appendAudit(entry)
    }
    func auditEntries(after cursor: Int, limit: Int) async throws(StoreError) -> [AuditEntry] {
        await step()
        return try memory.auditEntries(after: cursor, limit: limit)
    }
    func auditEntries(partner: PartnerID?, before cursor: Int?, limit: Int) async throws(StoreError) -> [AuditEntry] {
        await step()
        return try memory.auditEntries(partner: partner, before: cursor, limit: limit)
    }

    func insertAlert(_ alert: Alert) async throws(StoreError) -> Alert {
        await step()
        return try memory.insertAlert(alert)
    }
    func alert(_ id: AlertID) async throws(StoreError) -> Alert? {
        await step()
        return try memory.alert(id)
    }
    func alert(_ id: AlertID, of partner: PartnerID) async throws(StoreError) -> Alert? {
        await step()
        return try memory.alert(id, of: partner)
    }
    func alerts(_ partner: PartnerID, before cursor: AlertID?, limit: Int) async throws(StoreError) -> [Alert] {
        await step()
        return try memory.alerts(partner, before: cursor, limit: limit)
    }
    func dueAlerts(at instant: Date, limit: Int) async throws(StoreError) -> [Alert] {
        await step()
        return try memory.dueAlerts(at: instant, limit: limit)
    }
    func earliestAlertAction() async throws(StoreError) -> Date? {
        await step()
        return try memory.earliestAlertAction()
    }
    @discardableResult
    func updateAlert(_ id: AlertID, _ change: @escaping @Sendable (inout Alert) -> Void) async throws(StoreError) -> Alert {
        await step()
        return try memory.updateAlert(id, change)
    }

    func accounts(_ partner: PartnerID) async throws(StoreError) -> [Account] {
        await step()
        return try memory.accounts(partner)
    }
    func replaceAccounts(_ partner: PartnerID, _ accounts: [Account]) async throws(StoreError) {
        await step()
        try memory.replaceAccounts(partner, accounts)
    }
    func forgetAccounts(_ partner: PartnerID) async throws(StoreError) {
        await step()
        try memory.forgetAccounts(partner)
    }
    func services() async throws(StoreError) -> [Service] {
        await step()
        return try memory.services()
    }
    func saveServices(_ services: [Service]) async throws(StoreError) {
        await step()
        try memory.saveServices(services)
    }

    func connection(_ partner: PartnerID) async throws(StoreError) -> Connection {
        await step()
        return try memory.connection(partner)
    }
    @discardableResult
    func updateConnection(_ partner: PartnerID, _ change: @escaping @Sendable (inout Connection) -> Void) async throws(StoreError)
        -> Connection
    {
        await step()
        return try memory.updateConnection(partner, change)
    }
    func vendorCredential(_ partner: PartnerID) async throws(StoreError) -> VendorCredential? {
        await step()
        return try memory.vendorCredential(partner)
    }
    func saveVendorCredential(_ credential: VendorCredential) async throws(StoreError) {
        await step()
        try memory.saveVendorCredential(credential)
    }
    func saveConnect(connection: Connection, replacing before: Connection, credential: VendorCredential?, job: SyncRun)
        async throws(StoreError) -> RunInsertion?
    {
        await step()
        return try memory.saveConnect(connection: connection, replacing: before, credential: credential, job: job)
    }
    func forgetKey(_ partner: PartnerID, at: Date) async throws(StoreError) {
        await step()
        try memory.forgetKey(partner, at: at)
    }

    func createPartner(_ partner: Partner) async throws(StoreError) {
        await step()
        try memory.createPartner(partner)
    }
    func partner(_ id: PartnerID) async throws(StoreError) -> Partner? {
        await step()
        return try memory.partner(id)
    }
    func partner(vendorReference: String) async throws(StoreError) -> Partner? {
        await step()
        return try memory.partner(vendorReference: vendorReference)
    }
    func partners(after cursor: PartnerID?, limit: Int) async throws(StoreError) -> [Partner] {
        await step()
        return try memory.partners(after: cursor, limit: limit)
    }
    func updatePartner(_ partner: Partner) async throws(StoreError) {
        await step()
        try memory.updatePartner(partner)
    }

    func schedule(_ partner: PartnerID) async throws(StoreError) -> Schedule? {
        await step()
        return try memory.schedule(partner)
    }
    func saveSchedule(_ schedule: Schedule) async throws(StoreError) {
        await step()
        try memory.saveSchedule(schedule)
    }
    func dueSchedules(at instant: Date, limit: Int) async throws(StoreError) -> [Schedule] {
        await step()
        return try memory.dueSchedules(at: instant, limit: limit)
    }
    func earliestNextRun() async throws(StoreError) -> Date? {
        await step()
        return try memory.earliestNextRun()
    }
    func passScheduledRun(of partner: PartnerID, nextRunAt: Date) async throws(StoreError) {
        await step()
        try memory.passScheduledRun(of: partner, nextRunAt: nextRunAt)
    }

    func startScheduledRun(_ run: SyncRun, nextRunAt: Date) async throws(StoreError) -> RunInsertion {
        await step()
        return try memory.startScheduledRun(run, nextRunAt: nextRunAt)
    }

    func insertRun(_ run: SyncRun) async throws(StoreError) -> RunInsertion {
        await step()
        return try memory.insertRun(run)
    }
    func run(_ id: SyncRunID) async throws(StoreError) -> SyncRun? {
        await step()
        return try memory.run(id)
    }
    func run(_ id: SyncRunID, of partner: PartnerID) async throws(StoreError) -> SyncRun? {
        await step()
        return try memory.run(id, of: partner)
    }
    func activeRun(_ partner: PartnerID) async throws(StoreError) -> SyncRun? {
        await step()
        return try memory.activeRun(partner)
    }
    func runs(_ partner: PartnerID, purposes: Set<RunPurpose>, before cursor: SyncRunID?, limit: Int) async throws(StoreError) -> [SyncRun]
    {
        await step()
        return try memory.runs(partner, purposes: purposes, before: cursor, limit: limit)
    }
    func claimRun(owner: String, at now: Date, leaseUntil: Date) async throws(StoreError) -> SyncRun? {
        await step()
        return try memory.claimRun(owner: owner, at: now, leaseUntil: leaseUntil)
    }
    func heartbeat(_ id: SyncRunID, owner: String, leaseUntil: Date) async throws(StoreError) -> SyncRun? {
        await step()
        return try memory.heartbeat(id, owner: owner, leaseUntil: leaseUntil)
    }
    @discardableResult
    func updateRun(_ id: SyncRunID, _ change: @escaping @Sendable (inout SyncRun) -> Void) async throws(StoreError) -> SyncRun {
        await step()
        return try memory.updateRun(id, change)
    }
    @discardableResult
    func finishRun(_ id: SyncRunID, state: RunState, failure: RunFailure?, findings: RunFindings, at: Date) async throws(StoreError)
        -> SyncRun
    {
        await step()
        return try memory.finishRun(id, state: state, failure: failure, findings: findings, at: at)
    }

    func planLines(_ run: SyncRunID, _ lines: some Sequence<UsageLine> & Sendable) async throws(StoreError) {
        await step()
        try memory.planLines(run, lines)
    }
    @discardableResult
    func reopenLines(_ run: SyncRunID) async throws(StoreError) -> Int {
        await step()
        return try memory.reopenLines(run)
    }
    func recordOutcomes(_ run: SyncRunID, _ outcomes: [LineOutcome], beginning limit: Int, at: Date) async throws(StoreError)
        -> [LineIntent]
    {
        await step()
        return try memory.recordOutcomes(run, outcomes, beginning: limit, at: at)
    }
    func lines(_ run: SyncRunID, states: Set<UsageLineState>?, after cursor: Int?, limit: Int) async throws(StoreError) -> [UsageLine] {
        await step()
        return try memory.lines(run, states: states, after: cursor, limit: limit)
    }
    @discardableResult
    func removeLines(endedBefore end: Date, limit: Int, at instant: Date) async throws(StoreError) -> Int {
        await step()
        return try memory.removeLines(endedBefore: end, limit: limit, at: instant)
    }
    func tally(_ run: SyncRunID) async throws(StoreError) -> RunTally {
        await step()
        return try memory.tally(run)
    }
    func lastCounts(_ partner: PartnerID, after cursor: LastCount?, limit: Int) async throws(StoreError) -> [LastCount] {
        await step()
        return try memory.lastCounts(partner, after: cursor, limit: limit)
    }
    func serviceTotals(_ partner: PartnerID, runs: Int) async throws(StoreError) -> [ServiceTotal] {
        await step()
        return try memory.serviceTotals(partner, runs: runs)
    }
}
