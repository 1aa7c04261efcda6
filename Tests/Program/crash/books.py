"""What the ledger says beside what the sandbox saw: the promises that must hold whatever happened in between."""

import collections
import json
import pathlib
import shutil
import sqlite3
from decimal import Decimal

from conftest import Installation, Sandbox


def remember_everything(sandbox: Sandbox):
    """Lets the sandbox keep every request, and never refuse one for its rate."""
    sandbox.control("PATCH", "/settings", {"rateLimit": None, "journal": True})


def database_of(installation: Installation) -> pathlib.Path:
    return installation.directory / "data" / "perch.sqlite"


def opened(database: pathlib.Path) -> sqlite3.Connection:
    """The database of a running service, only for reading."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    connection.row_factory = sqlite3.Row
    return connection


def as_the_dead_left_it(database: pathlib.Path, copies: pathlib.Path) -> sqlite3.Connection:
    """A copy: to look at the original would repair it before the service does."""
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir()
    for file in (database, database.with_name(database.name + "-wal")):
        if file.exists():
            shutil.copy(file, copies / file.name)
    connection = sqlite3.connect(copies / database.name)
    connection.row_factory = sqlite3.Row
    return connection


def assert_sound(connection: sqlite3.Connection):
    assert [row[0] for row in connection.execute("PRAGMA integrity_check")] == ["ok"]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


class Books:
    """The ledger of one database and the journal of one sandbox, read at one moment when nothing is under way."""

    def __init__(self, connection: sqlite3.Connection, sandbox: Sandbox):
        self.connection = connection
        connection.execute("BEGIN")
        self.journal = sandbox.control("GET", "/journal")
        self.organizations = sandbox.state()["organizations"]
        self.lines = connection.execute(
            "SELECT usage_line.*, sync_run.id AS run_id, sync_run.state AS run_state, organization_id FROM usage_line"
            " JOIN sync_run ON sync_run.sequence = run JOIN connection USING (partner_id) ORDER BY run, position"
        ).fetchall()

    def close(self):
        self.connection.close()

    def assert_balanced(self, tries: int = 1):
        """`tries`: how often one attempt of the ledger may be sent, because what fails in passing is repeated at once."""
        assert_sound(self.connection)
        self.assert_every_line_ended()
        self.assert_no_create_was_repeated_blindly()
        self.assert_every_count_was_meant(tries)
        self.assert_every_outcome_is_true()

    def assert_every_line_ended(self):
        active = self.connection.execute("SELECT id, state FROM sync_run WHERE finished_at IS NULL").fetchall()
        assert not active, [dict(run) for run in active]
        for line in self.lines:
            assert line["state"] not in ("planned", "sending"), dict(line)
            assert line["state"] != "failed" or line["message"], dict(line)
        tallied = self.connection.execute(
            "SELECT id FROM sync_run WHERE tally_open <> 0 OR (SELECT COUNT(*) FROM usage_line WHERE run = sequence) <>"
            " tally_accepted + tally_not_mapped + tally_rejected + tally_failed + tally_excluded + tally_dropped_to_zero"
            " + tally_not_sent"
        ).fetchall()
        assert not tallied, [run["id"] for run in tallied]

    def assert_no_create_was_repeated_blindly(self):
        """Between two inserts of one account or service stands a list that was asked for, unless the first was refused for its
        rate, which is certain to have had no effect."""
        accounts, services = collections.defaultdict(set), set()
        for position, entry in enumerate(self.journal):
            if entry["call"] == "A1":
                accounts[entry["organization"]].clear()
            elif entry["call"] == "V1":
                services.clear()
            elif entry["status"] == 429:
                continue
            elif entry["call"] == "A2":
                body = json.loads(entry["body"])
                identifiers = {account["id"] for account in (body if isinstance(body, list) else [body])}
                again = identifiers & accounts[entry["organization"]]
                assert not again, ("accounts sent again without a list between", position, sorted(again)[:5])
                accounts[entry["organization"]] |= identifiers
            elif entry["call"] == "S1":
                name = json.loads(entry["body"])["name"].lower()
                assert name not in services, ("service sent again without a list between", position, name)
                services.add(name)
        for organization in self.organizations:
            identifiers = [account["id"] for account in organization["accounts"]]
            assert len(identifiers) == len(set(identifiers))

    def counts_sent(self):
        """Each count that arrived: organization, account and service, the count, what was answered."""
        for entry in self.journal:
            if entry["call"] == "S4":
                body = json.loads(entry["body"], parse_float=Decimal, parse_int=Decimal)
                yield (entry["organization"], body["accountId"], entry["parameter"]), body["unitCount"], entry["status"]

    def assert_every_count_was_meant(self, tries: int):
        """Nothing was sent whose intent is not in the ledger, nothing more often than the ledger says, and what stands in
        Synthesize is what the ledger meant last."""
        sent = collections.Counter((pair, count) for pair, count, _ in self.counts_sent())
        meant, last = collections.Counter(), {}
        for line in self.lines:
            if line["attempts"]:
                pair = (line["organization_id"], line["account_id"], line["service_id"])
                meant[pair, Decimal(line["sent_count"])] += line["attempts"]
                last[pair] = Decimal(line["sent_count"])
        for key, times in sent.items():
            assert times <= meant[key] * tries, (key, times, meant[key])
        for organization in self.organizations:
            for count in organization["counts"]:
                pair = (organization["id"], count["accountId"], count["serviceId"])
                ever = {value for key, value in meant if key == pair} if pair not in last else None
                assert pair in last, (pair, ever)
                if tries == 1:
                    assert Decimal(str(count["unitCount"])) == last[pair], (pair, count, last[pair])

    def assert_every_outcome_is_true(self):
        """What the ledger says was accepted was answered so, and what it says is not mapped was too."""
        answers = collections.defaultdict(set)
        for pair, count, status in self.counts_sent():
            answers[pair, count].add(status)
        for line in self.lines:
            key = (line["organization_id"], line["account_id"], line["service_id"]), Decimal(line["sent_count"] or 0)
            if line["state"] == "accepted":
                assert any(200 <= status < 300 for status in answers[key]), (dict(line), answers[key])
            elif line["state"] == "notMapped":
                assert 404 in answers[key], (dict(line), answers[key])
