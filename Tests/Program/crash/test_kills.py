"""SIGKILL at random moments of connect jobs and runs: the next process goes on, and the books balance.

`make crash KILLS=300` is the long form, on the release build with runs of 2,000 lines.
"""

import collections
import os
import random
import subprocess
import time

from books import Books, as_the_dead_left_it, assert_sound, database_of, opened, remember_everything
from conftest import PATIENCE, PROGRAM, Installation, Sandbox, Service, service_environment

KILLS = int(os.environ.get("KILLS", "12"))
LINES = int(os.environ.get("LINES", "2000" if "KILLS" in os.environ else "240"))
# Kills of one sandbox and one database, before both begin anew: so that connecting is killed often enough.
KILLS_AN_EPISODE = 30
# Customers of a run that the run before did not have: several bulk creates.
NEWCOMERS = LINES // 8
# How often each is aimed at beside the others.
CONNECT_STAGES = {"verify": 1, "fetch": 1, "accounts": 2, "services": 1, "finishing": 1}
USAGE_STAGES = {"verify": 1, "fetch": 2, "accounts": 2, "services": 1, "planning": 1, "sending": 6, "finishing": 1}
WITH_LEDGER = {"verify", "sending", "finishing"}
STAGE_WORDS = {"usage": "sending", "finish": "finishing"}


class KillLoop:
    def __init__(self, seed: int, directory):
        self.dice = random.Random(seed)
        self.directory = directory
        self.kills = collections.Counter()
        self.aimed = collections.Counter()
        self.runs = self.released = self.requests = self.sent = 0

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    def go(self, kills: int):
        episode = 0
        while self.killed < kills:
            episode += 1
            Episode(self, self.directory / f"episode-{episode}", min(kills, self.killed + KILLS_AN_EPISODE)).go()

    def next_aim(self, purpose: str, stages: dict[str, int]) -> str:
        """The stage that had the fewest kills for its weight."""
        return min(stages, key=lambda stage: (self.aimed[purpose, stage] / stages[stage], self.dice.random()))

    def report(self):
        print(f"{self.killed} kills in {self.runs} runs and jobs of {LINES} lines, {self.released} parked and released")
        print(f"{self.requests} requests, {self.sent} of them counts")
        for (purpose, stage), kills in sorted(self.kills.items()):
            print(f"  {purpose:8} {stage:10} {kills}")


class Episode:
    """One sandbox and one database: a partner connects, then syncs, each killed again and again."""

    def __init__(self, loop: KillLoop, directory, kills_until: int):
        self.loop, self.dice, self.kills_until = loop, loop.dice, kills_until
        self.copies = directory / "copies"
        self.sandbox = Sandbox(directory / "sandbox", "--empty")
        remember_everything(self.sandbox)
        self.sandbox.control("PATCH", "/settings", {"latencyMs": 2})
        self.installation = Installation(directory / "service", self.sandbox)
        self.first_customer = 0

    def go(self):
        try:
            self.set_customers()
            self.service = self.start()
            partner = self.connect()
            while self.loop.killed < self.kills_until:
                self.sync(partner)
            self.sandbox.control("PUT", "/faults", [])
            journal = self.balance()
            self.loop.requests += len(journal)
            self.loop.sent += sum(entry["call"] == "S4" for entry in journal)
        finally:
            self.installation.end()
            self.sandbox.end()

    def start(self) -> Service:
        # Customers leave at every run; that is not what holds a run here.
        return self.installation.start(PERCH_DROP_HOLD_SHARE="1")

    def set_customers(self):
        numbers = range(self.first_customer, self.first_customer + LINES)
        # Another count each time, but no drop that would hold the run.
        more = self.loop.runs % 2
        self.counts = {f"c{number}": 3 + number % 4 + more for number in numbers}
        self.sandbox.control(
            "PUT",
            "/saas-alerts",
            {"customers": [{"id": id, "name": f"Customer {id}", "billable": count} for id, count in self.counts.items()]},
        )

    # What is killed

    def connect(self) -> dict:
        self.organization = self.sandbox.create_organization("Northwind IT")
        partner = self.service.api("POST", "/partners", {"vendorReference": "northwind", "name": "Northwind IT"})
        request = {"partnerKey": self.organization["partnerKey"], "fields": {"apiKey": self.sandbox.vendor_key}}
        self.through("connect", CONNECT_STAGES, f"/partners/{partner['id']}/connection", request)
        accounts = self.sandbox.organization(self.organization["id"])["accounts"]
        assert sorted(account["id"] for account in accounts) == sorted(self.counts)
        return partner

    def sync(self, partner: dict):
        self.sandbox.control("POST", f"/organizations/{self.organization['id']}/map", {"all": True})
        self.first_customer += NEWCOMERS
        self.set_customers()
        run = self.through("usage", USAGE_STAGES, f"/partners/{partner['id']}/sync-runs", None)
        lines = {
            line["accountId"]: line for line in self.service.lines(run["id"]) if line["state"] not in ("droppedToZero", "excluded")
        }
        assert {account: line["sentCount"] for account, line in lines.items()} == self.counts
        assert {line["state"] for line in lines.values()} <= {"accepted", "notMapped"}
        self.balance()

    def through(self, purpose: str, stages: dict[str, int], path: str, request) -> dict:
        """Starts a job, kills the service some times while it goes on, and returns the job when it has ended."""
        deaths = self.dice.randrange(4, 17) if KILLS > 12 else self.dice.randrange(2, 7)
        aim = self.aim(purpose, stages)
        meters = self.meters()
        job = self.service.api("POST", path, request)
        self.loop.runs += 1
        while True:
            # Below the least that this episode is for: a job that is left alone from here on.
            is_killed = deaths > 0 and self.loop.killed < self.kills_until and self.await_moment(aim, job["id"], meters)
            self.sandbox.control("PUT", "/faults", [])
            if not is_killed:
                job = self.service.ended(job["id"])
                if job["state"] == "held":
                    assert job["failure"]["code"] == "run.parked", job
                    self.loop.released += 1
                    aim, meters = self.aim(purpose, stages), self.meters()
                    job = self.service.api("POST", f"/sync-runs/{job['id']}/release")
                    continue
                assert job["state"] == "succeeded", job
                return job
            self.service.kill()
            deaths -= 1
            state = self.look_at_the_dead(purpose, aim, job["id"])
            left = {stage: weight for stage, weight in stages.items() if not state["has_ledger"] or stage in WITH_LEDGER}
            aim = self.aim(purpose, left)
            self.start_perhaps_in_vain(purpose)
            meters = self.meters()
            self.service = self.start()

    def look_at_the_dead(self, purpose: str, aim: str, job: str) -> dict:
        connection = as_the_dead_left_it(database_of(self.installation), self.copies)
        assert_sound(connection)
        run = connection.execute("SELECT * FROM sync_run WHERE id = ?", [job]).fetchone()
        connection.close()
        stage = STAGE_WORDS.get(run["stage"], run["stage"])
        if run["finished_at"] is not None:
            stage = "ended"
        elif stage == "services" and aim == "planning":
            stage = aim
        self.loop.kills[purpose, stage] += 1
        return {"has_ledger": purpose == "usage" and run["stage"] in ("usage", "finish")}

    def start_perhaps_in_vain(self, purpose: str):
        """Now and then the next process is killed too, before or soon after it listens."""
        if self.dice.random() > 0.1 or self.loop.killed >= self.kills_until:
            return
        environment = service_environment(self.installation.directory, self.sandbox, PERCH_DROP_HOLD_SHARE="1")
        process = subprocess.Popen(
            [PROGRAM, "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.installation.directory,
            env=environment,
        )
        time.sleep(self.dice.uniform(0, 0.15))
        process.kill()
        process.wait(timeout=PATIENCE)
        self.loop.kills[purpose, "starting"] += 1

    # When

    def meters(self) -> collections.Counter:
        meters = self.sandbox.control("GET", "/requests")
        calls = collections.Counter(meters["requests"]["byCall"])
        calls["vendor"] = meters["vendorRequests"]["saas-alerts"]["total"]
        return calls

    def aim(self, purpose: str, stages: dict[str, int]) -> tuple:
        """A stage, and slow answers that make its moment long enough to be hit."""
        stage = self.loop.next_aim(purpose, stages)
        self.loop.aimed[purpose, stage] += 1
        slow = {
            "verify": ("GET", "*/organization", 1),
            "accounts": ("POST", "*/organization/accounts", -1),
            "services": self.dice.choice([("GET", "*/vendor-api", 1), ("POST", "*/service", 1)]),
        }.get(stage)
        if slow:
            method, path, times = slow
            self.sandbox.control("PUT", "/faults", [{"method": method, "path": path, "delayMs": 40, "times": times}])
        return stage

    def await_moment(self, stage: str, job: str, before: collections.Counter) -> bool:
        """False when the job ended before the moment came."""
        share, tail = self.dice.random(), self.dice.uniform(0, 0.04)
        chunks = self.dice.randrange(0, 1 + NEWCOMERS // 100)
        left = LINES - self.service.run(job)["tally"]["accepted"]
        is_slowed = False
        deadline = time.monotonic() + PATIENCE
        for turn in range(1_000_000_000):
            now = self.meters()
            done = {name: now[name] - before[name] for name in now}
            since = collections.Counter(done)
            if stage == "verify" and since["O1"] >= 1:
                break
            if stage == "fetch" and since["vendor"] >= 1 + share * LINES * 0.95:
                break
            if stage == "accounts" and since["A1"] >= 1 and since["A2"] >= chunks:
                break
            if stage in ("services", "planning") and since["V1"] >= 1:
                break
            if stage == "sending" and since["S4"] >= 1 + share * left * 0.95:
                break
            if stage == "finishing":
                is_connect_close = since["V1"] >= 1 and since["A1"] >= 1
                if not is_slowed and (since["S4"] >= left * 0.6 or is_connect_close):
                    self.sandbox.control(
                        "PUT", "/faults", [{"method": "GET", "path": "*/organization", "delayMs": 40, "times": 1}]
                    )
                    is_slowed = True
                if since["O1"] >= 2:
                    break
            if turn % 20 == 0 and self.service.run(job)["state"] not in ("queued", "running"):
                return False
            assert time.monotonic() < deadline, (stage, since)
            time.sleep(0.002)
        time.sleep(tail)
        return True

    # Afterwards

    def balance(self):
        books = Books(opened(database_of(self.installation)), self.sandbox)
        books.assert_balanced()
        assert not any(entry["status"] == 409 for entry in books.journal)
        books.close()
        return books.journal


def test_killed_at_random_moments_of_every_stage_the_books_balance(tmp_path):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}")
    loop = KillLoop(seed, tmp_path)
    try:
        loop.go(KILLS)
    finally:
        loop.report()
    hit = {key for key, kills in loop.kills.items() if kills}
    assert hit
    # A dozen random kills may pass over a stage, or over all connect jobs.
    if KILLS >= 100:
        assert {("usage", stage) for stage in USAGE_STAGES} <= hit, hit
        assert {purpose for purpose, _ in hit} == {"connect", "usage"}, hit
