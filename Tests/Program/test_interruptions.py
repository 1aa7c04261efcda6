"""A process that dies or is stopped in the middle of a run: the next one goes on from the ledger."""

import http.client
import os
import random
import signal

from conftest import until


def settled(run: dict) -> int:
    return sum(run["tally"][state] for state in ("accepted", "notMapped", "rejected", "failed"))


def assert_whole(service, sandbox, organization: dict, run: dict, counts: dict[str, int]):
    """The run did all its work; the ledger and Synthesize agree to the unit."""
    assert run["state"] == "succeeded", run
    lines = service.lines(run["id"])
    assert {line["accountId"]: line["sentCount"] for line in lines} == counts
    assert all(line["state"] == "accepted" for line in lines), lines
    arrived = sandbox.organization(organization["id"])["counts"]
    assert {count["accountId"]: count["unitCount"] for count in arrived} == counts
    assert run["tally"]["accepted"] == len(counts)


def begin_slow_run(service, sandbox, partner: dict, latency: int) -> str:
    """A run whose counts take a while, once some of them are answered."""
    sandbox.control("DELETE", "/requests")
    sandbox.control("PATCH", "/settings", {"latencyMs": latency})
    run = service.api("POST", f"/partners/{partner['id']}/sync-runs")
    until("some counts are sent", lambda: service.run(run["id"])["tally"]["accepted"] >= 20)
    return run["id"]


def test_a_run_goes_on_from_the_ledger_after_the_process_was_killed(installation, sandbox):
    counts = sandbox.customers(300)
    service = installation.start(PERCH_PARALLEL_COUNTS="4")
    partner, organization = installation.connected_partner(service)
    run_id = begin_slow_run(service, sandbox, partner, latency=15)
    service.kill()
    sent_before = sandbox.state()["requests"]["byCall"]["S4"]
    assert 20 <= sent_before < 300

    service = installation.start(PERCH_PARALLEL_COUNTS="4")
    sandbox.control("PATCH", "/settings", {"latencyMs": 0})
    run = service.ended(run_id)
    assert_whole(service, sandbox, organization, run, counts)
    assert run["interruptions"] == 1
    requests = sandbox.state()["requests"]["byCall"]
    # Not begun anew: the vendor was read once, and nothing was created or listed again.
    assert [requests.get(call, 0) for call in ("A1", "A2", "A3", "S1", "S3", "V1")] == [1, 0, 0, 0, 0, 1]
    assert sandbox.state()["vendorRequests"]["saas-alerts"]["byCall"]["GET /customers"] == 1
    # What was accepted and written down is not sent again: at most what one batch of intents holds.
    assert requests["S4"] - len(counts) <= 64, requests


def test_killed_before_the_ledger_is_there_nothing_is_created_twice(installation, sandbox):
    service = installation.start()
    sandbox.customers(3)
    partner, organization = installation.connected_partner(service)
    counts = sandbox.customers(30)
    sandbox.control("DELETE", "/requests")
    for path, call in [("*/organization/accounts", "A2"), ("*/vendor-api", "V1")]:
        method = "POST" if call == "A2" else "GET"
        # The request is carried out, and the process dies before it hears of it.
        sandbox.control("PUT", "/faults", [{"method": method, "path": path, "delayMs": 30_000, "times": 1}])
        run = service.api("POST", f"/partners/{partner['id']}/sync-runs")
        until(call + " arrives", lambda: sandbox.state()["requests"]["byCall"].get(call, 0) > 0)
        service.kill()
        sandbox.control("PUT", "/faults", [])
        service = installation.start()
        assert service.ended(run["id"])["state"] == "succeeded"
    assert sorted(one["id"] for one in sandbox.organization(organization["id"])["accounts"]) == sorted(counts)
    assert sandbox.state()["requests"]["byCall"]["A2"] == 1
    assert "409" not in sandbox.state()["requests"]["byStatus"]

    sandbox.control("POST", f"/organizations/{organization['id']}/map", {"all": True})
    run = service.api("POST", f"/partners/{partner['id']}/sync-runs")
    assert_whole(service, sandbox, organization, service.ended(run["id"]), counts)


def test_killed_at_random_moments_nothing_is_lost(installation, sandbox):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    counts = sandbox.customers(60)
    service = installation.start(PERCH_PARALLEL_COUNTS="4")
    partner, organization = installation.connected_partner(service)
    sandbox.control("PATCH", "/settings", {"latencyMs": 5})
    for _ in range(5):
        sandbox.control("DELETE", "/requests")
        run = service.api("POST", f"/partners/{partner['id']}/sync-runs")
        # O1, A1, V1, 61 reads of the vendor, 60 counts, O1: a moment somewhere among them.
        moment = dice.randrange(1, 124)

        def asked() -> int:
            state = sandbox.state()
            return state["requests"]["total"] + state["vendorRequests"]["saas-alerts"]["total"]

        until("call " + str(moment), lambda: asked() >= moment or service.run(run["id"])["state"] == "succeeded")
        service.kill()
        service = installation.start(PERCH_PARALLEL_COUNTS="4")
        assert_whole(service, sandbox, organization, service.ended(run["id"]), counts)
        accounts = sandbox.organization(organization["id"])["accounts"]
        assert sorted(one["id"] for one in accounts) == sorted(counts)


def test_a_run_that_kills_the_process_twice_in_one_place_waits_for_an_operator(installation, sandbox):
    counts = sandbox.customers(30)
    service = installation.start()
    partner, organization = installation.connected_partner(service)
    sandbox.control("DELETE", "/requests")
    sandbox.control("PUT", "/faults", [{"path": "*/customers", "delayMs": 30_000, "times": -1}])
    run = service.api("POST", f"/partners/{partner['id']}/sync-runs")
    for death in (1, 2):
        until(
            "the vendor is asked",
            lambda: sandbox.state()["vendorRequests"]["saas-alerts"]["byCall"].get("GET /customers", 0) >= death,
        )
        service.kill()
        service = installation.start()
    held = service.ended(run["id"])
    assert held["state"] == "held"
    assert held["failure"]["code"] == "run.parked"
    # It does not block the partner.
    sandbox.control("PUT", "/faults", [])
    released = service.api("POST", f"/sync-runs/{run['id']}/release")
    assert_whole(service, sandbox, organization, service.ended(released["id"]), counts)


def test_a_stop_in_the_middle_of_a_run_is_clean_and_is_no_interruption(installation, sandbox):
    counts = sandbox.customers(300)
    service = installation.start(PERCH_PARALLEL_COUNTS="4")
    partner, organization = installation.connected_partner(service)
    run_id = begin_slow_run(service, sandbox, partner, latency=15)
    assert service.signal(signal.SIGTERM) == 0, service.errors()
    sent_before = sandbox.state()["requests"]["byCall"]["S4"]
    assert 20 <= sent_before < 300

    sandbox.control("PATCH", "/settings", {"latencyMs": 0})
    service = installation.start(PERCH_PARALLEL_COUNTS="4")
    run = service.ended(run_id)
    assert_whole(service, sandbox, organization, run, counts)
    assert run["interruptions"] == 0
    # Everything answered before the stop was written down, so every count arrived once.
    assert sandbox.state()["requests"]["byCall"]["S4"] == 300
    assert all(count["times"] == 1 for count in sandbox.organization(organization["id"])["counts"])


def test_progress_comes_while_the_run_goes_on(installation, sandbox):
    from conftest import stream_of_events

    sandbox.customers(200)
    service = installation.start(PERCH_PARALLEL_COUNTS="4")
    partner, _ = installation.connected_partner(service)
    link = service.api("POST", f"/partners/{partner['id']}/launch-link")["url"]
    host = service.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host)
    connection.request("GET", link.removeprefix(service.url))
    cookie = connection.getresponse().getheader("Set-Cookie").split(";")[0]
    run_id = begin_slow_run(service, sandbox, partner, latency=15)
    seen = []
    for event, data in stream_of_events(service, f"/runs/{run_id}/events", cookie):
        seen.append((event, data))
        if len(seen) == 2:
            # The second event was here while most counts were still to be sent.
            assert service.run(run_id)["state"] == "running"
            sandbox.control("PATCH", "/settings", {"latencyMs": 0})
    assert seen[-1] == ("end", {})
    progress = [data for event, data in seen if event == "progress"]
    assert len(progress) >= 3
    assert [one["settled"] for one in progress] == sorted(one["settled"] for one in progress)
    assert progress[0]["settled"] < 200
    assert (progress[-1]["state"], progress[-1]["settled"]) == ("succeeded", 200)
