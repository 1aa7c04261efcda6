"""Bad weather at 30 % of the calls to Synthesize: the run ends with every line right or listed with its reason, and the next sync
in clear weather makes all right."""

import os
import random

from books import Books, database_of, opened, remember_everything
from conftest import Installation, Sandbox

LINES = 200
TRIES = 3
# What may go wrong, each with an even part of 30 %.
WEATHER = [
    {"status": 429},
    {"status": 429, "retryAfter": 1},
    {"status": 500},
    {"status": 503},
    {"drop": True},
    {"acceptAndDrop": True},
    {"malformed": True},
    {"half": True},
    {"delayMs": 300},
]


def set_weather(sandbox: Sandbox, dice: random.Random):
    # One after the other the faults take their share of what the ones before let pass.
    left, part, faults = 1.0, 0.3 / len(WEATHER), []
    for kind in dice.sample(WEATHER, len(WEATHER)):
        faults.append({"path": "/api/vendor-api", "times": -1, "share": part / left, **kind})
        left -= part
    sandbox.control("PUT", "/faults", faults)


def test_in_bad_weather_every_line_is_right_or_listed_with_its_reason_and_clear_weather_makes_all_right(tmp_path):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    sandbox = Sandbox(tmp_path / "sandbox", "--empty")
    installation = Installation(tmp_path / "service", sandbox)
    try:
        remember_everything(sandbox)
        # Half of them new, so that accounts are made in the storm.
        sandbox.customers(LINES // 2)
        service = installation.start(PERCH_RETRY_ATTEMPTS=str(TRIES))
        partner, organization = installation.connected_partner(service)
        counts = sandbox.customers(LINES)
        ends = []
        # A storm may end a run before its lines; one that sent them must be met.
        while not any(lines for _, lines in ends):
            set_weather(sandbox, dice)
            run = service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])
            sandbox.control("PUT", "/faults", [])
            lines = service.lines(run["id"])
            ends.append((run["state"], len(lines)))
            assert run["state"] in ("succeeded", "partial", "failed"), run
            assert run["state"] == "succeeded" or run["failure"]["message"], run
            for line in lines:
                assert line["state"] in ("accepted", "notMapped", "failed", "notSent"), line
                assert line["state"] != "failed" or line["message"], line
            check(installation, sandbox)
        print(ends, {state: sum(line["state"] == state for line in lines) for state in ("accepted", "notMapped", "failed")})

        sandbox.control("POST", f"/organizations/{organization['id']}/map", {"all": True})
        run = service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])
        assert run["state"] == "succeeded", run
        # A customer of the first hundred may have met the storm before it was made.
        sandbox.control("POST", f"/organizations/{organization['id']}/map", {"all": True})
        run = service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])
        assert {line["accountId"]: line["sentCount"] for line in service.lines(run["id"])} == counts
        arrived = sandbox.organization(organization["id"])["counts"]
        assert {count["accountId"]: count["unitCount"] for count in arrived} == counts
        check(installation, sandbox)
    finally:
        installation.end()
        sandbox.end()


def check(installation: Installation, sandbox: Sandbox):
    books = Books(opened(database_of(installation)), sandbox)
    books.assert_balanced(tries=TRIES)
    books.close()
