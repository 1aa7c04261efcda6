"""Backups, restores, rotations and `perch doctor` on the built program: beside the running service, cut off, and on damaged files."""

import base64
import hashlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import threading

import pytest

from conftest import PROGRAM, Installation, call, clean_environment, perch


@pytest.fixture(autouse=True)
def customers(request):
    """Without customers no partner can connect."""
    if "sandbox" in request.fixturenames:
        request.getfixturevalue("sandbox").customers(3)


def data(installation: Installation) -> dict[str, str]:
    return {"PERCH_DATA_DIRECTORY": str(installation.directory / "data")}


def run(installation: Installation, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
    return perch(*arguments, directory=installation.directory, **(data(installation) | settings))


def doctor(installation: Installation, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
    return run(installation, "doctor", *arguments, **settings)


def database(installation: Installation) -> pathlib.Path:
    return installation.directory / "data/perch.sqlite"


def tampered(installation: Installation, *statements: str):
    """As somebody who can write the file would: without the triggers, which are put back afterwards."""
    connection = sqlite3.connect(database(installation))
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, made in triggers:
        connection.execute(made)
    connection.commit()
    connection.close()


def test_the_doctor_finds_nothing_beside_the_running_service_and_after_it(installation):
    service = installation.start()
    installation.connected_partner(service)
    for _ in range(2):
        answer = doctor(installation)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        lines = answer.stdout.splitlines()
        assert [line.split(":")[0] for line in lines] == [
            "ok    integrity", "ok    references", "ok    migrations", "ok    audit trail", "ok    operator keys",
            "ok    rows that let in", "ok    stored secrets"]
        assert "3 open with data key dek_" in lines[6]
        if service.process.poll() is None:
            assert service.signal(signal.SIGTERM) == 0


def test_the_doctor_names_what_was_altered_removed_moved_or_locked_away(installation):
    service = installation.start()
    first, _ = installation.connected_partner(service, "Alpha IT")
    second, _ = installation.connected_partner(service, "Beta IT")
    service.signal(signal.SIGTERM)
    head = doctor(installation).stdout.split("head ")[1].split("\n")[0]
    count = int(doctor(installation).stdout.split("audit trail: ")[1].split(" ")[0])
    assert count >= 5
    assert doctor(installation, "--audit-head", f"{count}:{head}").returncode == 0

    pristine = installation.directory / "pristine"
    shutil.copytree(installation.directory / "data", pristine)

    def again():
        shutil.rmtree(installation.directory / "data")
        shutil.copytree(pristine, installation.directory / "data")

    for statement, words in [
        ("UPDATE audit_entry SET details = 'nothing happened' WHERE sequence = 3", "Entry 3 of the audit trail was altered"),
        ("UPDATE audit_entry SET at = at + 1 WHERE sequence = 2", "Entry 2 of the audit trail was altered"),
        ("DELETE FROM audit_entry WHERE sequence IN (3, 4)", "Entries 3 to 4 of the audit trail were removed"),
        (f"DELETE FROM audit_entry WHERE sequence = {count}", f"Entry {count} of the audit trail was removed"),
        (
            f"UPDATE connection SET partner_key = (SELECT partner_key FROM connection WHERE partner_id = '{first['id']}') "
            f"WHERE partner_id = '{second['id']}'",
            f"connection.partner_key of {second['id']} does not open",
        ),
        (
            f"UPDATE vendor_credential SET sealed_fields = zeroblob(90) WHERE partner_id = '{first['id']}'",
            f"vendor_credential.sealed_fields of {first['id']} does not open",
        ),
        ("DROP TRIGGER audit_entry_is_never_changed", "The trigger audit_entry_is_never_changed is missing"),
        ("CREATE TRIGGER spy AFTER INSERT ON alert BEGIN DELETE FROM alert; END", "The trigger spy is none that Perch makes"),
        (
            "UPDATE operator_key SET hash = '" + hashlib.sha256(b"opk_mine").hexdigest() + "'",
            "is not as it was issued. Entry 1 of the audit trail says: Issued key opr_",
        ),
        ("DELETE FROM data_key", "No data key is in use, and 5 stored secrets are sealed with dek_"),
        (
            f"UPDATE partner SET vendor_reference = vendor_reference || 'x' WHERE id = '{first['id']}'",
            f"The row of partner {first['id']} was put in or altered by somebody without the master key",
        ),
        (
            "INSERT INTO web_session (token_hash, partner_id, may_change, created_at, last_seen_at, expires_at, proof) "
            f"VALUES ('{'0' * 64}', '{second['id']}', 1, 1, 1, 9999999999999, '')",
            f"The row of a session of partner {second['id']} was put in or altered",
        ),
    ]:
        again()
        if "TRIGGER" in statement:
            connection = sqlite3.connect(database(installation))
            connection.execute(statement)
            connection.close()
        else:
            tampered(installation, statement)
        answer = doctor(installation)
        assert answer.returncode == 1 and words in answer.stdout, (statement, answer.stdout)
        # A key that is altered fits neither the trail nor its proof.
        assert answer.stdout.count("FAULT") == (2 if "operator_key" in statement else 1)

    # A trail that was chained anew is whole in itself; only a head noted elsewhere gives it away.
    again()
    tampered(
        installation, "UPDATE audit_entry SET details = 'nothing happened' WHERE action <> 'operator.issue'", "UPDATE audit_entry SET hash = NULL")
    assert doctor(installation).returncode == 1
    assert run(installation, "operators", "list").returncode == 0
    assert doctor(installation).returncode == 0
    answer = doctor(installation, "--audit-head", f"{count}:{head}")
    assert answer.returncode == 1 and "written anew" in answer.stdout

    again()
    (installation.directory / "data/secret.key").write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
    answer = doctor(installation)
    assert answer.returncode == 1 and "not the one that this database was set up with" in answer.stdout
    (installation.directory / "data/secret.key").unlink()
    assert "There is no master key" in doctor(installation).stdout
    assert not (installation.directory / "data/secret.key").exists()

    again()
    page = bytearray(database(installation).read_bytes())
    for offset in range(4096 * 8, len(page), 4096):
        page[offset:offset + 100] = b"\xff" * 100
    database(installation).write_bytes(page)
    assert doctor(installation).returncode != 0


def test_the_doctor_of_nothing_says_so(tmp_path):
    answer = perch("doctor", directory=tmp_path, PERCH_DATA_DIRECTORY=str(tmp_path / "nowhere"))
    assert answer.returncode == 2 and "There is no database" in answer.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_backup_under_load_restores_to_the_same_ledger(installation, sandbox, tmp_path):
    sandbox.customers(60)
    service = installation.start()
    partner, organization = installation.connected_partner(service)
    stopped = threading.Event()

    def load():
        while not stopped.is_set():
            job = service.api("POST", f"/partners/{partner['id']}/sync-runs")
            service.ended(job["id"])

    worker = threading.Thread(target=load)
    worker.start()
    backups = []
    try:
        for number in range(6):
            file = tmp_path / f"backup-{number}.sqlite"
            answer = run(installation, "database", "backup", str(file))
            assert answer.returncode == 0, answer.stderr
            assert "Audit trail" in answer.stderr
            assert file.stat().st_mode & 0o777 == 0o600
            backups.append(file)
    finally:
        stopped.set()
        worker.join()
    last = service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])
    lines = service.lines(last["id"])
    poured = subprocess.run(
        [PROGRAM, "database", "backup", "-"], cwd=installation.directory, capture_output=True, timeout=60,
        env=clean_environment(**data(installation)))
    assert poured.returncode == 0 and poured.stdout.startswith(b"SQLite format 3\0")

    # It does not take the place of anything by accident.
    assert run(installation, "database", "backup", str(backups[0])).returncode == 2
    answer = run(installation, "database", "restore", str(backups[0]), "--replace")
    assert answer.returncode == 2 and "in use" in answer.stderr, answer.stderr
    assert service.signal(signal.SIGTERM) == 0
    answer = run(installation, "database", "restore", str(backups[0]))
    assert answer.returncode == 2 and "--replace" in answer.stderr

    for file in backups:
        assert secrets_in(file.read_bytes(), sandbox.vendor_key, organization["partnerKey"], installation.operator_key) == []
        answer = run(installation, "database", "restore", str(file), "--replace")
        assert answer.returncode == 0, answer.stderr
        assert doctor(installation).returncode == 0, doctor(installation).stdout
    aside = list((installation.directory / "data").glob("perch.sqlite.before-restore-*"))
    assert len([one for one in aside if not one.name.endswith(("-wal", "-shm"))]) >= 1

    answer = subprocess.run(
        [PROGRAM, "database", "restore", "-", "--replace"], cwd=installation.directory, input=poured.stdout, capture_output=True,
        timeout=60, env=clean_environment(**data(installation)))
    assert answer.returncode == 0, answer.stderr
    assert doctor(installation).returncode == 0
    service = installation.start()
    assert service.lines(last["id"]) == lines
    trail = service.api("GET", "/audit")["items"]
    assert "database.restore" in [entry["action"] for entry in trail]
    # And the stored key still works.
    assert service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])["state"] == "succeeded"


def secrets_in(text: bytes, *secrets: str) -> list[str]:
    return [one for one in secrets if one.encode() in text or base64.b64encode(one.encode()).rstrip(b"=")[:-1] in text]


def test_a_restore_refuses_what_would_surprise(installation, tmp_path):
    service = installation.start()
    installation.connected_partner(service)
    good = tmp_path / "good.sqlite"
    assert run(installation, "database", "backup", str(good)).returncode == 0
    service.signal(signal.SIGTERM)
    before = database(installation).read_bytes()

    def refused(file: pathlib.Path, words: str, *flags: str):
        answer = run(installation, "database", "restore", str(file), "--replace", *flags)
        assert answer.returncode != 0 and words in answer.stderr, (words, answer.stderr)
        assert database(installation).read_bytes() == before
        assert not list((installation.directory / "data").glob("*.restoring*"))
        assert doctor(installation).returncode == 0

    def changed(name: str, *statements: str) -> pathlib.Path:
        file = tmp_path / name
        shutil.copy(good, file)
        connection = sqlite3.connect(file)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
        return file

    newer = changed("newer.sqlite", "INSERT INTO schema_migration SELECT MAX(number) + 1, '9999_future.sql', '' FROM schema_migration")
    refused(newer, "newer Perch")
    refused(changed("empty.sqlite", "DROP TABLE schema_migration"), "not a database of Perch")
    refused(tmp_path / "missing.sqlite", "cannot be read")
    torn = tmp_path / "torn.sqlite"
    torn.write_bytes(good.read_bytes()[: 4096 * 10])
    refused(torn, f"was cut off: it has 40960 of {good.stat().st_size} bytes")
    noise = tmp_path / "noise.sqlite"
    noise.write_bytes(os.urandom(20_000))
    refused(noise, "not a database")
    refused(
        changed("trail.sqlite", "DROP TRIGGER audit_entry_is_never_removed", "DELETE FROM audit_entry WHERE sequence = 2"),
        "Entry 2 of the audit trail was removed")
    partner = "SELECT partner_id FROM connection"
    closed = changed("closed.sqlite", f"UPDATE vendor_credential SET sealed_fields = zeroblob(90) WHERE partner_id = ({partner})")
    refused(closed, "vendor_credential.sealed_fields of par_")
    keyless = changed("keyless.sqlite", "DELETE FROM data_key")
    for flags in [(), ("--with-closed-secrets",)]:
        refused(keyless, "No data key is in use", *flags)
        refused(keyless, "with --with-closed-secrets neither. Restore another backup.", *flags)
    refused(changed("swapped.sqlite", "UPDATE partner SET vendor_reference = 'x'"), "was put in or altered", "--with-closed-secrets")
    refused(
        changed("revived.sqlite", "UPDATE operator_key SET role = 'admin', name = 'X'"), "is not as it was issued", "--with-closed-secrets")
    other_key = base64.b64encode(os.urandom(32)).decode()
    answer = run(installation, "database", "restore", str(good), "--replace", PERCH_SECRET_KEY=other_key)
    assert answer.returncode != 0 and "not the one that this database was set up with" in answer.stderr
    assert database(installation).read_bytes() == before
    # What is lost is lost: an operator may go on without it.
    answer = run(installation, "database", "restore", str(closed), "--replace", "--with-closed-secrets")
    assert answer.returncode == 0, answer.stderr
    assert "vendor_credential.sealed_fields of par_" in answer.stderr
    installation.start()


def test_a_service_does_not_start_over_secrets_whose_data_key_is_gone(installation):
    service = installation.start()
    installation.connected_partner(service)
    service.signal(signal.SIGTERM)
    connection = sqlite3.connect(database(installation))
    connection.execute("DELETE FROM data_key")
    connection.commit()
    with pytest.raises(RuntimeError, match="not the data key that opens them"):
        installation.start()
    assert connection.execute("SELECT COUNT(*) FROM data_key").fetchone() == (0,)
    connection.close()


def test_a_backup_leaves_nothing_behind_when_its_reader_ends_early(installation, tmp_path):
    service = installation.start()
    installation.connected_partner(service)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = clean_environment(**data(installation), TMPDIR=str(temporary))
    for reader in ("true", "head -c 10", "head -c 5000"):
        subprocess.run(["bash", "-c", f'"$0" database backup - | {reader} > /dev/null', PROGRAM], cwd=installation.directory,
                       env=environment, capture_output=True, timeout=60)
        assert list(temporary.iterdir()) == [], reader
    # And one whose reader stops reading and then ends.
    process = subprocess.Popen([PROGRAM, "database", "backup", "-"], cwd=installation.directory, env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(100).startswith(b"SQLite format 3")
    process.kill()
    process.wait(timeout=60)
    assert list(temporary.iterdir()) == []


def cut_off(source: pathlib.Path, directory: pathlib.Path, mode: str):
    """A copy of a database as a kill in the middle of a write leaves it."""
    directory.mkdir(exist_ok=True)
    connection = sqlite3.connect(source, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute("PRAGMA cache_size = 2")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE cut AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n")
    connection.execute("UPDATE partner SET name = 'cut off'")
    for suffix in ("", "-journal", "-wal"):
        if pathlib.Path(f"{source}{suffix}").exists():
            shutil.copy(f"{source}{suffix}", directory / f"perch.sqlite{suffix}")
    connection.rollback()
    connection.close()


def test_the_doctor_says_what_to_do_about_a_write_that_was_cut_off(installation, tmp_path):
    service = installation.start()
    installation.connected_partner(service, "Alpha IT")
    backup = tmp_path / "backup.sqlite"
    assert run(installation, "database", "backup", str(backup)).returncode == 0
    service.signal(signal.SIGTERM)
    for mode in ("DELETE", "WAL"):
        copy = tmp_path / mode
        shutil.copytree(installation.directory / "data", copy)
        cut_off(database(installation), copy, mode)
        assert ((copy / "perch.sqlite-journal").stat().st_size if mode == "DELETE" else (copy / "perch.sqlite-wal").stat().st_size) > 0
        settings = {"PERCH_DATA_DIRECTORY": str(copy)}
        answer = perch("doctor", directory=tmp_path, **settings)
        if mode == "DELETE":
            assert answer.returncode != 0 and "readonly" not in answer.stdout + answer.stderr
            assert "Start the service once, or run `perch operators list`" in answer.stdout + answer.stderr, answer.stderr
            assert perch("operators", "list", directory=tmp_path, **settings).returncode == 0
            answer = perch("doctor", directory=tmp_path, **settings)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "Alpha IT" in perch("partners", directory=tmp_path, **settings).stdout

    # What a restore leaves is written to like what a service leaves, and a journal of the database before undoes nothing in it.
    target = tmp_path / "target"
    shutil.copytree(installation.directory / "data", target)
    cut_off(database(installation), target, "DELETE")
    (target / "perch.sqlite").write_bytes(b"damaged")
    settings = {"PERCH_DATA_DIRECTORY": str(target)}
    answer = perch("database", "restore", str(backup), "--replace", directory=tmp_path, **settings)
    assert answer.returncode == 0, answer.stderr
    assert not (target / "perch.sqlite-journal").exists()
    connection = sqlite3.connect(target / "perch.sqlite")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    assert perch("doctor", directory=tmp_path, **settings).returncode == 0


def test_a_backup_of_an_older_schema_is_upgraded_only_when_asked(installation, tmp_path):
    """A database of the schema before this one, made by its own migration files."""
    old = tmp_path / "old.sqlite"
    connection = sqlite3.connect(old)
    migrations = sorted((pathlib.Path(__file__).parents[2] / "migrations").glob("*.sql"))
    connection.execute("CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT")
    for number, file in enumerate(migrations[:3], 1):
        connection.executescript(file.read_text())
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        connection.execute("INSERT INTO schema_migration VALUES (?, ?, ?)", (number, file.name, digest))
    for number in range(1, 6):
        connection.execute(
            "INSERT INTO audit_entry (at, actor, action, details) VALUES (?, 'commandLine', 'operator.issue', ?)", (number, f"entry {number}"))
    connection.commit()
    connection.close()
    shutil.rmtree(installation.directory / "data")
    answer = run(installation, "database", "restore", str(old))
    assert answer.returncode == 2 and "older schema" in answer.stderr and "--upgrade" in answer.stderr, answer.stderr
    assert not database(installation).exists()
    answer = run(installation, "database", "restore", str(old), "--upgrade")
    assert answer.returncode == 0 and "0004_access_and_keys.sql" in answer.stderr, answer.stderr
    answer = doctor(installation)
    assert answer.returncode == 0, answer.stdout
    assert "6 entries" in answer.stdout


def test_keys_are_rotated_while_the_service_runs_and_while_it_does_not(installation):
    service = installation.start()
    partner, _ = installation.connected_partner(service)
    key_file = installation.directory / "operator.key"
    key_file.write_text(installation.operator_key + "\n")
    key_file.chmod(0o640)
    link = installation.directory / "operator.link"
    link.symlink_to(key_file)
    for file in (key_file, link):
        exposed = run(installation, "keys", "rotate", "data", "--url", service.url, "--operator-key-file", str(file))
        assert exposed.returncode == 2 and "mode 0640" in exposed.stderr and "chmod 600" in exposed.stderr, exposed.stderr
    key_file.chmod(0o600)
    online = ["--url", service.url, "--operator-key-file", str(key_file)]
    assert run(installation, "keys", "rotate", "data").returncode == 2  # the service has the database
    before = (installation.directory / "data/secret.key").read_text()

    for layer in ("data", "master"):
        for path in ("/x", "/healthz", "/console/sign-in?"):
            answer = run(installation, "keys", "rotate", layer, "--url", service.url + path, *online[2:])
            assert answer.returncode == 2 and "and not as Perch's admin API does" in answer.stderr, answer.stderr
            assert "<" not in answer.stderr + answer.stdout and answer.stdout == ""
    wrong = installation.directory / "wrong.key"
    wrong.touch(0o600)
    wrong.write_text("opk_wrong")
    answer = run(installation, "keys", "rotate", "data", "--url", service.url, "--operator-key-file", str(wrong))
    assert answer.stderr.count("answered 401: Send a valid operator key") == 1 and "{" not in answer.stderr, answer.stderr
    answer = run(installation, "keys", "rotate", "data", *online)
    assert answer.returncode == 0, answer.stderr
    answer = run(installation, "keys", "rotate", "master", "--url", service.url + "/", *online[2:])
    assert answer.returncode == 0, answer.stderr
    assert "Keep a copy of the old file" in answer.stdout
    assert (installation.directory / "data/secret.key").read_text() != before
    keys = service.api("GET", "/keys")
    assert len(keys["dataKeys"]) == 2 and keys["underRetiredKeys"] == 0
    assert service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])["state"] == "succeeded"
    assert doctor(installation).returncode == 0
    service.kill()

    service = installation.start()
    assert len(service.api("GET", "/keys")["dataKeys"]) == 1
    assert service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])["state"] == "succeeded"
    service.signal(signal.SIGTERM)
    for layer in ("data", "master"):
        answer = run(installation, "keys", "rotate", layer)
        assert answer.returncode == 0, answer.stderr
    assert doctor(installation).returncode == 0
    # The old key is a start-up error now.
    (installation.directory / "data/secret.key").write_text(before)
    answer = run(installation, "operators", "issue", "X")
    assert answer.returncode == 2 and "not the one that this database was set up with" in answer.stderr


def test_a_rotation_that_cannot_be_written_down_is_not_done(installation):
    service = installation.start()
    installation.connected_partner(service)
    before, file = service.api("GET", "/keys"), (installation.directory / "data/secret.key").read_text()
    connection = sqlite3.connect(database(installation), timeout=30)
    connection.execute("CREATE TRIGGER no_room BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'no room'); END")
    connection.commit()
    for layer in ("data", "master"):
        status, answer = call("POST", f"{service.url}/api/v1/keys/rotate-{layer}-key", {}, {"Authorization": "Bearer " + installation.operator_key})
        assert (status, answer["status"]) == (503, 503), answer
    assert service.api("GET", "/keys") == before
    assert (installation.directory / "data/secret.key").read_text() == file
    assert not (installation.directory / "data/secret.key.next").exists()
    connection.execute("DROP TRIGGER no_room")
    connection.commit()
    connection.close()
    for layer in ("data", "master"):
        status, _ = call("POST", f"{service.url}/api/v1/keys/rotate-{layer}-key", {}, {"Authorization": "Bearer " + installation.operator_key})
        assert status < 300


def test_a_given_master_key_is_rotated_to_a_new_one(tmp_path):
    settings = {"PERCH_DATA_DIRECTORY": str(tmp_path / "data")}
    old = perch("keys", "generate", directory=tmp_path).stdout.strip()
    new = perch("keys", "generate", directory=tmp_path).stdout.strip()
    assert len(base64.b64decode(old)) == 32 and old != new
    issue = ["operators", "issue", "Ada"]
    assert perch(*issue, directory=tmp_path, **settings, PERCH_SECRET_KEY=old).returncode == 0
    (tmp_path / "new.key").write_text(new + "\n")
    refused = perch("keys", "rotate", "master", directory=tmp_path, **settings, PERCH_SECRET_KEY=old)
    assert refused.returncode != 0 and "must be given too" in refused.stderr
    answer = perch("keys", "rotate", "master", "--new-key-file", "new.key", directory=tmp_path, **settings, PERCH_SECRET_KEY=old)
    assert answer.returncode == 0, answer.stderr
    assert new not in answer.stdout + answer.stderr
    assert perch(*issue, directory=tmp_path, **settings, PERCH_SECRET_KEY=old).returncode == 2
    assert perch(*issue, directory=tmp_path, **settings, PERCH_SECRET_KEY_FILE="new.key").returncode == 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_rotation_killed_at_every_sync_goes_on(installation):
    """SIGKILL at the Nth sync, N = 1, 2, ...: each time everything still opens, and the next rotation goes on where it was cut off."""
    service = installation.start()
    for number in range(4):
        installation.connected_partner(service, f"Partner {number}")
    service.signal(signal.SIGTERM)
    killed = 0
    for number in range(1, 60):
        answer = subprocess.run(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
             "-e", f"inject=fdatasync,fsync:signal=SIGKILL:when={number}",
             PROGRAM, "keys", "rotate", "data", "--at-once", "1"],
            cwd=installation.directory, env=clean_environment(**data(installation)), capture_output=True, text=True, timeout=120)
        if answer.returncode == 0:
            break
        if "ptrace" in answer.stderr:
            pytest.skip("strace may not trace here")
        killed += 1
        answer = doctor(installation)
        assert answer.returncode == 0, (number, answer.stdout)
        assert "9 open with data key" in answer.stdout
    else:
        raise AssertionError("no rotation came through")
    assert killed >= 3
    service = installation.start()
    keys = service.api("GET", "/keys")
    assert len(keys["dataKeys"]) == 1 and keys["underRetiredKeys"] == 0


def test_an_operator_key_expires(installation):
    issued = run(installation, "operators", "issue", "Guest", "--role", "viewer", "--expires-in-days", "1")
    assert issued.returncode == 0
    assert run(installation, "operators", "issue", "X", "--expires-in-days", "0").returncode == 64
    connection = sqlite3.connect(database(installation))
    connection.execute("UPDATE operator_key SET expires_at = 1000 WHERE name = 'Guest'")
    connection.commit()
    connection.close()
    listed = run(installation, "operators", "list").stdout
    assert [line.split("\t")[2] for line in listed.splitlines()] == ["active", "expired"]
    service = installation.start()
    assert call("GET", service.url + "/api/v1/partners", headers={"Authorization": "Bearer " + issued.stdout.strip()})[0] == 401


def test_a_hash_that_somebody_put_in_is_never_keyed(installation):
    plain = hashlib.sha256(b"opk_mine").hexdigest()
    connection = sqlite3.connect(database(installation))
    connection.execute("UPDATE operator_key SET hash = ?", (plain,))
    connection.commit()
    service = installation.start()
    assert call("GET", service.url + "/api/v1/partners", headers={"Authorization": "Bearer opk_mine"})[0] == 401
    assert connection.execute("SELECT hash FROM operator_key").fetchone()[0] == plain
    connection.close()
