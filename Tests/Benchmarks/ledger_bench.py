"""A ledger of 10 million lines: pages, bytes a line, and how long writers wait while half of it is removed for its age.

Usage: ledger_bench.py PATH-TO-PERCH [LINES]. Needs 6 GB of disk for some minutes. Prints one line a figure. Times on a shared machine
vary: a probe that does the same without the ledger is printed beside them.
"""

import http.client
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import bench

LINES = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
LINES_A_RUN = 200
RUNS_A_PARTNER = 100
PARTNERS = max(2, LINES // LINES_A_RUN // RUNS_A_PARTNER)
# Runs eight days apart: half of them ended more than 400 days ago.
DAYS_BETWEEN_RUNS = 8
VISITED_PARTNERS = 25
REQUESTS = 600
SEED = int(os.environ.get("SEED", "1"))


def fill(path):
    """Multiplies the one run of the program's own database. Returns bytes a line on disk, its index included."""
    database = sqlite3.connect(path)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "foreign_keys = OFF"):
        database.execute("PRAGMA " + pragma)
    run, partner = database.execute("SELECT sequence, partner_id FROM sync_run WHERE purpose = 'usage'").fetchone()
    assert database.execute("SELECT COUNT(*) FROM usage_line WHERE run = ?", [run]).fetchone() == (LINES_A_RUN,)

    def copies(table, where="partner_id = ?", **changed):
        """An INSERT that copies rows of the first partner, some of their columns changed."""
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(changed.get(column, f"{table}.{column}") for column in columns)
        return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE {where}"

    now = int(time.time() * 1000)
    day = 86_400_000
    others = [f"par_bench{number:04}" for number in range(1, PARTNERS)]
    for other in others:
        name = f"'{other}'"
        database.execute(copies("partner", "id = ?", id=name, vendor_reference=name), [partner])
        for table in ("connection", "account", "last_count"):
            database.execute(copies(table, partner_id=name), [partner])
    last = run
    for number in range(RUNS_A_PARTNER):
        created = now - (RUNS_A_PARTNER - number) * DAYS_BETWEEN_RUNS * day
        for other in [partner] + others:
            last += 1
            times = {"created_at": created, "started_at": created, "finished_at": created + 1000}
            changed = {"sequence": last, "id": f"'run_bench{last}'", "partner_id": f"'{other}'", **times}
            database.execute(copies("sync_run", "sequence = ?", **{k: str(v) for k, v in changed.items()}), [run])
            database.execute(copies("service_total", "run = ?", run=str(last)), [run])
    database.commit()
    before = os.path.getsize(path)
    columns = [row[1] for row in database.execute("PRAGMA table_info(usage_line)")]
    values = ", ".join({"run": "sync_run.sequence"}.get(column, f"line.{column}") for column in columns)
    # CROSS JOIN keeps the order: lines are appended as runs append them.
    database.execute(
        f"INSERT INTO usage_line ({', '.join(columns)}) SELECT {values} FROM sync_run CROSS JOIN usage_line AS line "
        "WHERE sync_run.sequence > :run AND line.run = :run ORDER BY sync_run.sequence, line.position",
        {"run": run},
    )
    database.commit()
    lines = PARTNERS * RUNS_A_PARTNER * LINES_A_RUN
    database.close()
    return lines, (os.path.getsize(path) - before) / lines


class Service:
    """The release program over the filled database; nothing is due."""

    def __init__(self, first, retention_days):
        self.log = open(first.directory + "/service.log", "w+")
        environment = {**first.environment, "PERCH_LOG_LEVEL": "info", "PERCH_LINE_RETENTION_DAYS": str(retention_days)}
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [bench.PROGRAM, "serve", "--port", "0", "--data-directory", first.directory + "/data"],
            stdout=subprocess.PIPE, stderr=self.log, cwd=first.directory, env={**os.environ, **environment},
        )
        self.address = self.process.stdout.readline().decode().split("listens on ")[1].strip()
        self.seconds_to_start = time.monotonic() - begun
        self.api = self.address + "/api/v1"
        self.key = first.key
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.address).netloc, timeout=60)

    def get(self, path, **fields):
        """Milliseconds from the first byte out to the last byte in, over one connection that stays open."""
        begun = time.perf_counter()
        self.connection.request("GET", path, headers=fields)
        answer = self.connection.getresponse()
        text = answer.read()
        took = (time.perf_counter() - begun) * 1000
        assert answer.status == 200, (path, answer.status, text[:300])
        return took, text

    def visitor(self, partner):
        self.partner = f"{self.api}/partners/{partner}"
        return bench.SyncBench.visitor(self)

    def removed(self):
        """What the service has logged of removed lines; nothing until a removal is through."""
        self.log.flush()
        with open(self.log.name) as file:
            found = [line for line in file if "lines of old runs removed" in line]
        return {pair.split("=")[0]: pair.split("=")[1] for pair in found[-1].split() if "=" in pair} if found else {}

    def close(self):
        self.connection.close()
        bench.stop(self.process)
        self.log.close()


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def told(times):
    return f"p50 {statistics.median(times):.1f} ms, p99 {percentile(times, 0.99):.1f} ms, longest {max(times):.1f} ms"


def bench_pages(first, lines):
    service, chance = Service(first, retention_days=0), random.Random(SEED)
    print(f"start over {lines:,} lines: {service.seconds_to_start:.2f} s")
    bearer = {"Authorization": "Bearer " + service.key}
    partners = [f"par_bench{number:04}" for number in chance.sample(range(1, PARTNERS), min(VISITED_PARTNERS, PARTNERS - 1))]
    cookies = {partner: {"Cookie": service.visitor(partner)} for partner in partners}
    runs = {}
    for partner in partners:
        page = json.loads(service.get(f"/api/v1/partners/{partner}/sync-runs?limit=100", **bearer)[1])
        runs[partner] = [run["id"] for run in page["items"]]

    def measure(name, request):
        times, used = [], bench.cpu_seconds(service.process)
        for _ in range(REQUESTS):
            partner = chance.choice(partners)
            path, fields = request(partner, chance.choice(runs[partner]))
            times.append(service.get(path, **fields)[0])
        used = (bench.cpu_seconds(service.process) - used) * 1000 / REQUESTS
        print(f"{name}: {told(times)} of {REQUESTS}; {used:.1f} ms CPU each", flush=True)

    measure("GET /healthz, no ledger", lambda partner, run: ("/healthz", {}))
    measure("partner page", lambda partner, run: ("/", cookies[partner]))
    measure("partner page, all syncs", lambda partner, run: ("/runs", cookies[partner]))
    measure(
        "partner's page of a run's lines",
        lambda partner, run: (f"/runs/{run}?after={chance.randrange(LINES_A_RUN - 100)}", cookies[partner]),
    )
    measure("partner's page of a run's lines in one state", lambda partner, run: (f"/runs/{run}?state=notMapped", cookies[partner]))
    measure("admin API, 100 lines of a run", lambda partner, run: (f"/api/v1/sync-runs/{run}/lines?limit=100", bearer))
    measure("admin API, a run", lambda partner, run: (f"/api/v1/sync-runs/{run}", bearer))
    service.close()


class Writer(threading.Thread):
    """Writes one row at a time through the service, whose readiness check reaches the disk, until told to stop."""

    def __init__(self, service):
        super().__init__()
        self.service, self.times, self.stopped = service, [], threading.Event()

    def run(self):
        while not self.stopped.is_set():
            self.times.append(self.service.get("/readyz")[0])
            time.sleep(0.005)

    def end(self):
        self.stopped.set()
        self.join()
        return self.times


def bench_retention(first):
    path = first.directory + "/data/perch.sqlite"
    quiet = Service(first, retention_days=0)
    writer = Writer(quiet)
    writer.start()
    time.sleep(20)
    print(f"a write while nothing is removed: {told(writer.end())}", flush=True)
    quiet.close()

    service = Service(first, retention_days=400)
    begun, used, largest_log = time.monotonic(), bench.cpu_seconds(service.process), 0
    writer = Writer(service)
    writer.start()
    while not service.removed():
        assert service.process.poll() is None
        time.sleep(0.5)
        largest_log = max(largest_log, os.path.getsize(path + "-wal"))
    took, log = time.monotonic() - begun, service.removed()
    removed = int(log["lines"])
    times, used = writer.end(), bench.cpu_seconds(service.process) - used
    print(f"{removed:,} lines removed in {took:.0f} s, {used * 1e6 / removed:.0f} CPU seconds a million (writer's included), "
          f"longest step {log['longestStepMilliseconds']} ms")
    print(f"a write meanwhile: {told(times)} of {len(times)}; {sum(t > 50 for t in times)} above 50 ms")
    print(f"write-ahead log at most {largest_log / 1e6:.1f} MB")
    service.close()
    database = sqlite3.connect(path)
    left = database.execute("SELECT COUNT(*) FROM usage_line").fetchone()[0]
    free = database.execute("PRAGMA freelist_count").fetchone()[0] * database.execute("PRAGMA page_size").fetchone()[0]
    broken = database.execute(
        "SELECT COUNT(*) FROM sync_run WHERE lines_removed_at IS NULL AND finished_at < ? AND purpose = 'usage'",
        [int((time.time() - 401 * 86_400) * 1000)],
    ).fetchone()[0]
    database.close()
    print(f"{left:,} lines left, {broken} older runs kept theirs; {free / 1e6:.0f} MB of the file free for new lines")


def run_once(first):
    """The run that is multiplied; 20 of its lines wait for a mapping."""
    unmapped = [customer["id"] for customer in first.customers[::10]]
    bench.call("POST", f"{first.address}/control/organizations/{first.organization['id']}/unmap", {"accounts": unmapped})
    run = first.begin()
    while run["state"] in ("queued", "running"):
        time.sleep(0.1)
        run = first.read(run)
    assert run["tally"]["notMapped"] == len(unmapped) and run["tally"]["accepted"] == LINES_A_RUN - len(unmapped), run


def main():
    with tempfile.TemporaryDirectory() as directory:
        first = bench.SyncBench(directory, accounts=LINES_A_RUN)
        run_once(first)
        first.close()
        begun = time.monotonic()
        lines, size = fill(directory + "/data/perch.sqlite")
        print(f"{lines:,} lines of {PARTNERS} partners made in {time.monotonic() - begun:.0f} s, {size:.0f} bytes a line on disk", flush=True)
        bench_pages(first, lines)
        bench_retention(first)


main()
