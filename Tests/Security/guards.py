"""Takes each guard of access and secrets out in turn and expects its test to fail.

    python3 Tests/Security/guards.py [--only WORD] [--check]

`--check` builds nothing: it says whether each guard's words still stand exactly once in its file, and whether SECURITY.md names its
test. Otherwise works on a copy of the sources under .build-mutate, so the checkout is never touched. Exit code 1 when a guard can be
taken out unseen.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / ".build-mutate" / "tree"
ACCESS = "Sources/Portal/Access/"
STORE = "Sources/Store/"

# What is guarded, the file, the words of the guard, what stands there when it is out, the suite that must see it.
GUARDS = [
    (
        "a stored secret opens only in its own row",
        "Sources/Secrets/Sealing/KeyRing.swift",
        'AuthenticatedCipher.associatedData(["secret", keyID, context.table, context.row, context.column])',
        'AuthenticatedCipher.associatedData(["secret", keyID])',
        "KeyRingTests",
    ),
    (
        "a wrong master key is told as one",
        "Sources/Secrets/Sealing/KeyRing.swift",
        "guard equalInConstantTime(wrapped.checkValue, master.checkValue(dataKeyID: wrapped.id)) else {",
        "guard true || equalInConstantTime(wrapped.checkValue, master.checkValue(dataKeyID: wrapped.id)) else {",
        "KeyRingTests",
    ),
    (
        "a key file that others can read is refused",
        "Sources/Secrets/Sealing/MasterKeyFile.swift",
        "guard status.st_mode & 0o077 == 0 else {",
        "guard true || status.st_mode & 0o077 == 0 else {",
        "MasterKeyFileTests",
    ),
    (
        "a rotation never overwrites what was entered meanwhile",
        STORE + "SQLite/SQLiteStore+Keys.swift",
        "WHERE \\(row) = ? AND \\(column) = ?",
        "WHERE \\(row) = ? AND ? IS NOT NULL",
        "KeyRotationTests",
    ),
    (
        "a data key that something still needs is kept",
        STORE + "SQLite/SQLiteStore+Keys.swift",
        "guard !isUsed else { continue }",
        "",
        "KeyRotationTests",
    ),
    (
        "a rotation that was cut off is ended at the next start",
        "Sources/Portal/Keys/KeyKeeper.swift",
        "let report = try await reseal(keyRing)\n        let entry",
        "let report = Report(keyID: keyRing.keyID, resealed: 0, failed: [], removed: [])\n        let entry",
        "KeyRotationTests",
    ),
    (
        "a change and its audit entry are one transaction",
        STORE + "SQLite/SQLiteStore.swift",
        "guard let note, let entry = note.pending else { return try body(database) }",
        "guard false, let note, let entry = note.pending else { return try body(database) }",
        "AuditedChangesTests|AuditChainTests",
    ),
    (
        "an audit entry is chained to the one before",
        STORE + "Audit/AuditChain.swift",
        "before, String(entry.sequence), String(milliseconds), entry.actor,",
        "String(entry.sequence), String(milliseconds), entry.actor,",
        "AuditChainTests",
    ),
    (
        "an altered audit entry is named",
        STORE + "Audit/AuditChain.swift",
        "} else if followsDirectly, !TokenHash.equal",
        "} else if followsDirectly, false, !TokenHash.equal",
        "AuditChainTests",
    ),
    (
        "a removed audit entry is named",
        STORE + "Audit/AuditChain.swift",
        "if !followsDirectly { faults.append(.removed(first: head.sequence + 1, last: entry.sequence - 1)) }",
        "",
        "AuditChainTests",
    ),
    (
        "audit entries are refused a change by the database itself",
        "migrations/0004_access_and_keys.sql",
        "WHEN OLD.hash IS NOT NULL OR NEW.hash IS NULL OR",
        "WHEN NEW.hash IS NULL OR",
        "SchemaTests",
    ),
    (
        "a form needs its session's token",
        ACCESS + "FormToken.swift",
        "guard let token = form[fieldName], TokenHash.equal(token, session.csrfToken) else {",
        "guard let token = form[fieldName], true || TokenHash.equal(token, session.csrfToken) else {",
        "RouteWalkTests",
    ),
    (
        "another site's page changes nothing",
        ACCESS + "OriginCheck.swift",
        "if let origin { return origin == publicOrigin?.description }",
        "if origin != nil { return true }",
        "RouteWalkTests",
    ),
    (
        "a partner sees its own runs only",
        STORE + "SQLite/SQLiteStore+Runs.swift",
        "WHERE id = ? AND partner_id = ?\", [id.rawValue",
        "WHERE id = ? AND ? IS NOT NULL\", [id.rawValue",
        "RouteWalkTests|SyncRunStoreTests",
    ),
    (
        "another partner's run is no place in the history to go on from",
        STORE + "SQLite/SQLiteStore+Runs.swift",
        "FROM sync_run WHERE id = ? AND partner_id = ?)\"",
        "FROM sync_run WHERE id = ? AND ? IS NOT NULL)\"",
        "RouteWalkTests|SyncRunStoreTests",
    ),
    (
        "a partner's viewer changes nothing",
        "Sources/Portal/PartnerPage/PartnerVisit.swift",
        "guard visit.session.mayChange || forViewers else {",
        "guard visit.session.mayChange || forViewers || true else {",
        "ViewerTests",
    ),
    (
        "a role is needed for the admin API",
        "Sources/Portal/AdminAPI/OperatorAuthentication.swift",
        "guard key.role < role else { return }",
        "guard key.role < role, false else { return }",
        "RouteWalkTests|AdminAccessTests",
    ),
    (
        "a role is needed for the console",
        "Sources/Portal/Console/ConsoleGate.swift",
        "guard visit.mayAct(as: route.role) else {",
        "guard visit.mayAct(as: route.role) || true else {",
        "RouteWalkTests",
    ),
    (
        "a revoked or expired operator key opens nothing",
        "Sources/Portal/AdminAPI/OperatorAuthentication.swift",
        "guard let key = found, key.isProven(by: environment.keyRing), key.isUsable(at: now) else {",
        "guard let key = found, key.isProven(by: environment.keyRing) else {",
        "AdminAccessTests",
    ),
    (
        "a session ends when its key is revoked or expires",
        "Sources/Portal/Console/ConsoleGate.swift",
        "key.isUsable(at: environment.time.now())",
        "true",
        "ConsoleTests|OperatorKeyLifeTests",
    ),
    (
        "who guesses operator keys waits",
        ACCESS + "AccessGuard.swift",
        "guard wait > 0 else { return }",
        "guard wait > 0, false else { return }",
        "GuessLedgerTests",
    ),
    (
        "a stranger's guesses lock no operator out",
        "Sources/Portal/AdminAPI/OperatorAuthentication.swift",
        "let found = try await store.operatorKey(hash: hashing.hash(token))",
        "try environment.accessGuard.countWrong(token, from: address, at: now)\n"
        "        let found = try await store.operatorKey(hash: hashing.hash(token))",
        "GuessLedgerTests",
    ),
    (
        "a session in which wrong keys are entered again and again ends",
        ACCESS + "AccessGuard.swift",
        "return ledger.failures(name, at: now) >= GuessLedger.free",
        "return false",
        "ConfirmationTests",
    ),
    (
        "two admins who revoke each other leave one of them",
        STORE + "SQLite/SQLiteStore+Access.swift",
        "} else if admins.isEmpty {",
        "} else if admins.isEmpty, false {",
        "OperatorKeyStoreTests|OperatorKeyLifeTests",
    ),
    (
        "a stream of events ends with its session",
        "Sources/Portal/PartnerPage/Ledger/LedgerPages.swift",
        "while try await sessions.isOpen(visit.session.stored) {",
        "while try await sessions.isOpen(visit.session.stored) || true {",
        "AccessSessionTests",
    ),
    (
        "a call that takes no body refuses one",
        "Sources/Portal/AdminAPI/AdminAPI.swift",
        "if !route.takesBody { try await request.requireNoBody() }",
        "",
        "RouteWalkTests",
    ),
    (
        "a name turns no text around it, and holds nothing that is not seen",
        "Sources/Connectors/ShowableText.swift",
        "return !properties.isDefaultIgnorableCodePoint || properties.isVariationSelector",
        "return true",
        "ShowableTextTests|NameEntryTests|AdminAccessTests",
    ),
    (
        "a session that somebody wrote into the database opens nothing",
        ACCESS + "Sessions.swift",
        "guard session.isProven(by: keyRing) else {",
        "guard session.isProven(by: keyRing) || true else {",
        "RowProofTests",
    ),
    (
        "a proof is of all that its row says",
        "Sources/Secrets/Sealing/RowProof.swift",
        'let texts = [table] + values.flatMap { value in value.map { ["1", $0] } ?? ["0"] }',
        "let texts = [table]",
        "RowProofTests",
    ),
    (
        "an operator key that somebody wrote into the database opens nothing",
        "Sources/Portal/AdminAPI/OperatorAuthentication.swift",
        "guard let key = found, key.isProven(by: environment.keyRing), key.isUsable(at: now) else {",
        "guard let key = found, key.isUsable(at: now) else {",
        "RowProofTests",
    ),
    (
        "a role that somebody wrote into the database is none in the console",
        "Sources/Portal/Console/ConsoleGate.swift",
        "key.isProven(by: environment.keyRing),",
        "",
        "RowProofTests",
    ),
    (
        "a launch link that somebody wrote into the database opens nothing",
        ACCESS + "LaunchDoor.swift",
        "guard link.isProven(by: environment.keyRing) else {",
        "guard link.isProven(by: environment.keyRing) || true else {",
        "RowProofTests",
    ),
    (
        "a partner's reference that somebody wrote into the database opens no page",
        "Sources/Integration/Partners/Desk+Partners.swift",
        "guard !isProven(by: keyRing) else { return }",
        "guard !isProven(by: keyRing), false else { return }",
        "RowProofTests",
    ),
    (
        "rows without a proof are believed once",
        "Sources/Portal/Keys/KeyKeeper.swift",
        "if !keyRing.provesRows { keyRing = try await proveRows",
        "if true { keyRing = try await proveRows",
        "ProofAdoptionTests",
    ),
    (
        "a data key from before rows were proven is not believed again",
        "Sources/Portal/Keys/KeyKeeper.swift",
        "if wereProven { throw",
        "if false { throw",
        "ProofAdoptionTests",
    ),
    (
        "a row that somebody put in is no other admin key",
        "Sources/Portal/AdminAPI/OperatorKeys.swift",
        "$0.id == id || $0.isProven(by: keyRing)",
        "$0.id == id || true",
        "RowProofTests",
    ),
    (
        "a launched session ends with the key that made its link, wherever its row comes from",
        "Sources/Portal/Access/Sessions.swift",
        "guard let maker = session.launchedBy else { return true }",
        "if true { return true }; guard let maker = session.launchedBy else { return true }",
        "RowProofTests",
    ),
    (
        "a row that was put in or altered is named",
        STORE + "SQLite/Backup/SQLiteStore+Inspection.swift",
        "rows.compactMap { $0.fault(keyRing) }",
        "[String]()",
        "RowProofTests",
    ),
    (
        "a restore takes no rows that somebody put in or altered",
        STORE + "SQLite/Backup/DatabaseRestore.swift",
        "if let keyRing { try requireNone(SQLiteStore.inspectProofs(database, keyRing).faults) }",
        "",
        "BackupTests",
    ),
    (
        "an operator key that is revoked takes its unused links with it",
        STORE + "SQLite/SQLiteStore+Access.swift",
        'try database.change("DELETE FROM launch_link WHERE made_by = ?", [id])',
        "",
        "OperatorKeyStoreTests",
    ),
    (
        "an operator key that is revoked takes the sessions by its links with it",
        STORE + "SQLite/SQLiteStore+Access.swift",
        "DELETE FROM web_session WHERE operator_key_id = ?1 OR launched_by = ?1",
        "DELETE FROM web_session WHERE operator_key_id = ?1",
        "OperatorKeyStoreTests|LaunchDoorTests",
    ),
    (
        "a launch link lasts no longer than the key that made it",
        ACCESS + "LaunchDoor.swift",
        "key.isProven(by: environment.keyRing), key.isUsable(at: now) else {",
        "key.isProven(by: environment.keyRing) else {",
        "LaunchDoorTests",
    ),
    (
        "the last admin key without an end is kept",
        STORE + "SQLite/SQLiteStore+Access.swift",
        "} else if !evenIfLastLasting, present.expiresAt == nil,",
        "} else if false, !evenIfLastLasting, present.expiresAt == nil,",
        "OperatorKeyStoreTests",
    ),
    (
        "a trigger that is missing is named",
        STORE + "SQLite/Backup/SQLiteStore+Inspection.swift",
        'case (_?, nil): "The \\(name) is missing."',
        "case (_?, nil): nil",
        "InspectionTests",
    ),
    (
        "an operator key that was altered behind Perch's back is named",
        STORE + "Audit/OperatorKeyTrail.swift",
        "if entry.details != key.issueDetails, entry.details",
        "if false, entry.details != key.issueDetails, entry.details",
        "InspectionTests",
    ),
    (
        "no data key is made beside secrets whose own is gone",
        "Sources/Portal/Keys/KeyKeeper.swift",
        "if !wrapped.contains(where: { $0.retiredAt == nil }) { try await requireNothingSealed() }",
        "",
        "KeyRotationTests",
    ),
    (
        "what Perch changes by itself is in the trail",
        "Sources/Integration/OwnChanges.swift",
        "details: details), body)",
        "details: details), { () async throws(StoreError) in }); return try await body()",
        "OwnChangesTests",
    ),
    (
        "what is hard to take back needs the key again",
        "Sources/Portal/Console/ConsoleGate.swift",
        "if TokenHash.equal(hashing.hash(entered), key.hash) { return }",
        "if true || TokenHash.equal(hashing.hash(entered), key.hash) { return }",
        "ConfirmationTests",
    ),
    (
        "a launch token is taken once",
        STORE + "SQLite/SQLiteStore+Access.swift",
        "guard isFirst else { return false }",
        "guard isFirst || true else { return false }",
        "LaunchStoreTests|LaunchDoorTests",
    ),
    (
        "a launch token lives five minutes at most",
        ACCESS + "LaunchTokens.swift",
        "guard expiresAt <= now.addingTimeInterval(longestLifetime + skew) else {",
        "guard expiresAt <= now.addingTimeInterval(longestLifetime + skew) || true else {",
        "LaunchTokenTests",
    ),
    (
        "the key decides the algorithm of a launch token",
        ACCESS + "LaunchTokens.swift",
        "let candidates = await keys.verifiers(for: header.alg)",
        'let candidates = await keys.verifiers(for: "HS256")',
        "LaunchTokenTests",
    ),
    (
        "a session is a new one at each sign-in",
        STORE + "SQLite/SQLiteStore+Access.swift",
        'if let tokenHash { try database.change("DELETE FROM web_session WHERE token_hash = ?", [tokenHash]) }',
        "",
        "AccessSessionTests",
    ),
    (
        "a session ends after its time",
        ACCESS + "Sessions.swift",
        "now < session.expiresAt && now.timeIntervalSince(session.lastSeenAt) < idle.seconds",
        "true",
        "AccessSessionTests",
    ),
    (
        "no page of another site may frame Perch unless it is configured",
        ACCESS + "SecurityHeaders.swift",
        "\"base-uri 'none'\", \"frame-ancestors \\(ancestors)\",",
        "\"base-uri 'none'\",",
        "RouteWalkTests",
    ),
    (
        "certificates are verified",
        "Sources/HTTPClient/Transfer/EasyHandle.swift",
        "VERIFYPEER, 1",
        "VERIFYPEER, 0",
        "TLSTests",
    ),
    (
        "a certificate must be of the host that was asked",
        "Sources/HTTPClient/Transfer/EasyHandle.swift",
        "VERIFYHOST, 2",
        "VERIFYHOST, 0",
        "TLSTests",
    ),
    (
        "a restore takes nothing damaged",
        STORE + "SQLite/Backup/DatabaseRestore.swift",
        "guard faults.isEmpty else {",
        "guard faults.isEmpty || true else {",
        "BackupTests",
    ),
    (
        "a restore ends the sign-ins of the backup's time",
        STORE + "SQLite/Backup/DatabaseRestore.swift",
        'for table in ["web_session", "launch_link"] {',
        'for table in [String]() {',
        "BackupTests",
    ),
]


def faults_of_the_list() -> list[str]:
    faults = []
    security = (ROOT / "SECURITY.md").read_text()
    for name, path, words, _, suite in GUARDS:
        count = (ROOT / path).read_text().count(words)
        if count != 1:
            faults.append(f"{name}: its words stand {count} times in {path}; mend Tests/Security/guards.py")
        for one in suite.split("|"):
            if one not in security:
                faults.append(f"{name}: SECURITY.md does not name {one}")
    return faults


def build() -> None:
    subprocess.run(
        ["swift", "build", "--build-tests", "--scratch-path", str(COPY.parent / "build")],
        cwd=COPY, check=True, capture_output=True)


def sees(suite: str) -> str | None:
    """The first line of what failed; nil when nothing did."""
    try:
        answer = subprocess.run(
            ["swift", "test", "--skip-build", "--scratch-path", str(COPY.parent / "build"), "--filter", suite],
            cwd=COPY, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return "did not end within 15 minutes"
    if answer.returncode == 0:
        return None
    failed = [line for line in answer.stdout.splitlines() if "✘" in line]
    return failed[0].strip()[:160] if failed else f"ended with {answer.returncode}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    faults = faults_of_the_list()
    for fault in faults:
        print(fault)
    if arguments.check or faults:
        return 1 if faults else 0
    for name in ["Sources", "Tests", "migrations", "Public", "docs"]:
        shutil.rmtree(COPY / name, ignore_errors=True)
        shutil.copytree(ROOT / name, COPY / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ["Package.swift", "Package.resolved"]:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, COPY)
    build()
    chosen = [guard for guard in GUARDS if arguments.only in guard[0]]
    for suite in sorted({guard[4] for guard in chosen}):
        if (failed := sees(suite)) is not None:
            print(f"{suite} is red with every guard in place: {failed}")
            return 1
    unseen = []
    for name, path, words, without, suite in chosen:
        file = COPY / path
        text = file.read_text()
        file.write_text(text.replace(words, without))
        try:
            build()
            print(f"without: {name}", flush=True)
            failed = sees(suite)
            print("    " + (failed or "NOT SEEN"), flush=True)
            if failed is None:
                unseen.append(name)
        except subprocess.CalledProcessError:
            print(f"{name}: without it nothing compiles; mend this list")
            unseen.append(name)
        finally:
            file.write_text(text)
    print(f"{len(chosen) - len(unseen)} of {len(chosen)} guards seen")
    return 1 if unseen else 0


sys.exit(main())
