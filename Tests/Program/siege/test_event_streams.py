"""Live pages: thousands of idle event streams are cheap, heartbeats come, gone clients are noticed, and a stop ends them whole.

The streams are those of a real run, `/runs/{id}/events`, held open by a vendor who does not answer."""

import http.client
import os
import resource
import signal
import time

import pytest
from conftest import PROGRAM, until

from fortress import LONG, MEGABYTE, Vitals
from peers import Crowd, Peer, get

# Both sides need a descriptor for each, and the limit of one process is theirs.
STREAMS = min(10_000 if LONG else 500, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500)
HEARTBEAT = b"3\r\n:\n\n\r\n"


def partner_cookie(service, partner: dict) -> str:
    link = service.api("POST", f"/partners/{partner['id']}/launch-link")["url"]
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"))
    connection.request("GET", link.removeprefix(service.url))
    cookie = connection.getresponse().getheader("Set-Cookie").split(";")[0]
    connection.close()
    return cookie


class LivePage:
    """A signed-in partner whose run waits for the vendor for ever."""

    def __init__(self, installation, sandbox, **settings: str):
        self.service = installation.start(
            PERCH_HEARTBEAT="1", PERCH_CONNECTIONS=str(STREAMS + 1000), PERCH_TOTAL_TIMEOUT="900", PERCH_STOP_DEADLINE="60",
            **settings,
        )
        sandbox.customers(10)
        partner, _ = installation.connected_partner(self.service)
        self.cookie = partner_cookie(self.service, partner)
        sandbox.control("PUT", "/faults", [{"path": "*/customers", "delayMs": 900_000, "times": -1}])
        self.run = self.service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"]
        until("the run is under way", lambda: self.service.run(self.run)["state"] == "running")
        self.vitals = Vitals(self.service)
        self.request = get(f"/runs/{self.run}/events", f"Cookie: {self.cookie}")


@pytest.fixture
def page(installation, sandbox):
    return LivePage(installation, sandbox)


def test_idle_event_streams(page):
    vitals, service = page.vitals, page.service
    sockets, before = vitals.sockets(), vitals.memory()
    with Crowd(vitals.address, 0) as crowd:
        # In files, so that the queue of those who wait to be accepted is not the limit.
        while len(crowd.members) < STREAMS:
            crowd.grow(vitals.address, min(250, STREAMS - len(crowd.members)), page.request)
            crowd.until("the first event of all", lambda: all(b"event: progress" in m.received for m in crowd.members[-250:]))
        assert {member.status for member in crowd.members} == {200}
        opened = vitals.memory()
        each = (opened - before) / STREAMS / 1024
        print(f"{STREAMS} event streams: {opened / MEGABYTE:.0f} MB resident in all, {each:.1f} KB each")

        for member in crowd.members:
            member.received.clear()
        begun = time.monotonic()
        crowd.until("a heartbeat on each", lambda: all(HEARTBEAT in member.received for member in crowd.members))
        print(f"a heartbeat on each came within {time.monotonic() - begun:.1f} s")
        beating = vitals.memory()

        gone = crowd.members[: STREAMS // 2]
        for number, member in enumerate(gone):
            crowd.drop(member, by_reset=number % 2 == 0)
        begun = time.monotonic()
        vitals.until_sockets(sockets + STREAMS - len(gone))
        print(f"{len(gone)} who went were noticed within {time.monotonic() - begun:.1f} s")
        slowest = vitals.assert_serves()

        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        crowd.until("the end of all", lambda: not crowd.open)
        ended = time.monotonic() - begun
        print(f"the stop ended all within {ended:.1f} s; the slowest request before it took {slowest * 1000:.0f} ms")
        for member in crowd.members[len(gone) :]:
            assert member.received.endswith(b"retry: 2000\n\n\r\n0\r\n\r\n"), bytes(member.received[-80:])
    if ".build/debug" not in os.path.realpath(PROGRAM):
        assert max(opened, beating) < 200 * MEGABYTE
    assert each < 100


def test_deadlines_are_kept_while_a_live_page_is_all_that_happens(installation, sandbox):
    """Progress comes from the run and not from the network. The clock must go on all the same."""
    service = installation.start(PERCH_PARALLEL_COUNTS="4", PERCH_HEADER_TIMEOUT="1")
    sandbox.customers(600)
    partner, _ = installation.connected_partner(service)
    cookie = partner_cookie(service, partner)
    sandbox.control("PATCH", "/settings", {"latencyMs": 50})
    run = service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"]
    vitals = Vitals(service)
    viewers = [Peer(vitals.address) for _ in range(4)]
    for viewer in viewers:
        viewer.send(get(f"/runs/{run}/events", f"Cookie: {cookie}"))
        assert viewer.head().status == 200
    until("counts are sent", lambda: service.run(run)["tally"]["accepted"] > 0)
    with Peer(vitals.address) as slow:
        slow.send(b"GET / HT")
        begun = time.monotonic()
        assert slow.answer().status == 408
        lasted = time.monotonic() - begun
    assert service.run(run)["state"] == "running"
    print(f"beside {len(viewers)} live pages the header deadline of 1 s was kept after {lasted:.2f} s")
    assert lasted < 3
    sandbox.control("PATCH", "/settings", {"latencyMs": 0})
    for viewer in viewers:
        assert b"event: end" in b"".join(viewer.chunks())
        viewer.socket.close()
