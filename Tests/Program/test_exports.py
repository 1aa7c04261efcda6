"""A ledger of any size is handed out in the memory of one page."""

import csv
import io
import json
import pathlib
import socket
import sqlite3
import time
import urllib.request

from conftest import PATIENCE

LINES = 100_000
NAMES = ["Brightwater Law", '=cmd|"/C calc"!A0', "Lumen, Optics\r\nLtd", "Zoë 🥨"]
STALLED = 10
# The allocator keeps some of what it had; a ledger that is in memory as a whole would be 30 MB and more.
GROWTH_KB = 8_000


def fill(database: pathlib.Path, run: str) -> None:
    """Gives a run a hundred thousand lines, as a sync of a large partner would leave them."""
    connection = sqlite3.connect(database)
    with connection:
        sequence, position = connection.execute(
            "SELECT sequence, (SELECT MAX(position) FROM usage_line WHERE run = sequence) FROM sync_run WHERE id = ?", (run,)
        ).fetchone()
        columns = "account_id, service_id, service_name, raw_count, sent_count, state, attempts, http_status, intent_at, outcome_at, basis"
        connection.execute(
            f"""
            WITH RECURSIVE number (n) AS (SELECT ? + 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
            INSERT INTO usage_line (run, position, account_name, {columns})
            SELECT run, n, CASE n % 4 WHEN 0 THEN ? WHEN 1 THEN ? WHEN 2 THEN ? ELSE ? END, {columns} FROM usage_line, number
            WHERE run = ? AND position = 0
            """,
            (position, LINES - 1, *NAMES, sequence),
        )
        connection.execute("UPDATE sync_run SET tally_accepted = ? WHERE sequence = ?", (LINES, sequence))
    connection.close()


def peak_kb(service) -> int:
    for line in pathlib.Path(f"/proc/{service.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")


def download(service, path: str) -> tuple[dict, bytes]:
    request = urllib.request.Request(
        service.url + "/api/v1" + path, headers={"Authorization": "Bearer " + service.operator_key}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return dict(answer.headers), answer.read()


def test_a_hundred_thousand_lines_are_handed_out_in_little_memory(installation):
    installation.sandbox.control("PUT", "/saas-alerts", {"customers": [{"id": "c1", "name": "One", "billable": 5}]})
    service = installation.start()
    partner, _ = installation.connected_partner(service)
    small = service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])["id"]
    large = service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])["id"]
    service.end()
    fill(next((installation.directory / "data").glob("*.sqlite")), large)

    service = installation.start()
    for file in ("lines.csv", "lines.json"):
        download(service, f"/sync-runs/{small}/{file}")
    before = peak_kb(service)

    headers, body = download(service, f"/sync-runs/{large}/lines.csv")
    assert headers["Content-Disposition"].endswith(f'-{large}.csv"')
    records = list(csv.DictReader(io.StringIO(body.decode("utf-8"), newline="")))
    assert [int(record["position"]) for record in records] == list(range(LINES))
    assert all(record["basis"] == "billable users" and record["basis_version"] == "1" for record in records)
    assert {record["account_name"] for record in records[1:]} == {NAMES[0], "'" + NAMES[1], NAMES[2], NAMES[3]}

    _, body = download(service, f"/sync-runs/{large}/lines.json")
    ledger = json.loads(body)
    assert ledger["run"]["id"] == large
    assert [line["position"] for line in ledger["lines"]] == list(range(LINES))
    assert {line["accountName"] for line in ledger["lines"][1:]} == set(NAMES)

    grown = peak_kb(service) - before
    print("kB more at the peak:", grown)
    assert grown < GROWTH_KB, f"{grown} kB more at the peak of a download"

    # Readers that take nothing: what they are sent waits in the database, not in memory.
    readers = []
    for _ in range(STALLED):
        host, port = service.url.removeprefix("http://").split(":")
        reader = socket.create_connection((host, int(port)), timeout=PATIENCE)
        reader.sendall(
            f"GET /api/v1/sync-runs/{large}/lines.json HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Authorization: Bearer {service.operator_key}\r\n\r\n".encode()
        )
        assert reader.recv(12) == b"HTTP/1.1 200"
        readers.append(reader)
    # Time enough to read a whole ledger, if nothing held it back.
    time.sleep(2)
    grown = peak_kb(service) - before
    print("kB more at the peak, with stalled readers:", grown)
    for reader in readers:
        reader.close()
    assert service.api("GET", f"/sync-runs/{large}")["tally"]["accepted"] == LINES
    assert grown < GROWTH_KB + STALLED * 1_000, f"{grown} kB more at the peak of {STALLED} stalled downloads"
