"""The system gives no more descriptors: the service lives on, says so once, and serves again when it can."""

import resource

import pytest
from conftest import PATIENCE, until

from fortress import Fortress
from peers import Crowd, Peer, connect, get

COMPLAINT = "Cannot accept connections for now"


@pytest.fixture
def fortress(tmp_path):
    fortress = Fortress(tmp_path)
    fortress.vitals.assert_serves()
    yield fortress
    fortress.end()


def leave_free(fortress: Fortress, count: int) -> int:
    """Lets the process open only so many descriptors more. Returns the limit."""
    numbers = fortress.vitals.descriptors()
    limit = max(numbers) + 1 + count
    resource.prlimit(fortress.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    return limit - len(numbers)


def test_more_clients_than_descriptors(fortress):
    free = leave_free(fortress, 20)
    with Crowd(fortress.address, 5 * free) as crowd:
        # They are connected as far as the system is concerned, and wait for the service.
        until("the service has run out of descriptors", lambda: COMPLAINT in fortress.errors())
        crowd.send(get("/perch.css", "Connection: close"))
        # Each answer frees a place for the next, so in the end nobody was refused.
        crowd.until("all are served", lambda: not crowd.open)
        assert {member.status for member in crowd.members} == {200}
    fortress.vitals.assert_serves()
    complaints = fortress.errors().count(COMPLAINT)
    print(f"{5 * free} clients with {free} free descriptors: all served; complaints: {complaints}")
    assert complaints == 1


def test_clients_who_come_and_go_while_descriptors_are_short_do_not_fill_the_log(fortress):
    free = leave_free(fortress, 20)
    with Crowd(fortress.address, 3 * free) as crowd:
        until("the service has run out of descriptors", lambda: COMPLAINT in fortress.errors())
        crowd.send(get("/favicon.svg"))
        for number in range(100):
            crowd.until("somebody new is served", lambda: sum(bool(m.received_count) for m in crowd.members) > number)
            # A served client goes, or was closed already to make room: the next finds no descriptor again.
            for member in [member for member in crowd.open if member.received_count][:1]:
                crowd.drop(member)
            crowd.send(get("/favicon.svg"), to=[crowd.join(connect(fortress.address))])
    fortress.vitals.assert_serves()
    complaints = fortress.errors().count(COMPLAINT)
    print(f"100 clients came and went: {complaints} complaints")
    assert complaints <= 5


def test_health_checks_are_answered_with_the_usual_limit_of_open_files(tmp_path):
    """1024 is what most systems give a process that asks for no more, and `PERCH_CONNECTIONS` is 1024 too."""
    fortress = Fortress(tmp_path, open_files=1024)
    try:
        with Crowd(fortress.address, 1100) as crowd:
            crowd.send(get("/favicon.svg"))
            crowd.until("most are kept", lambda: sum(bool(member.received_count) for member in crowd.members) >= 900)
            with Peer(fortress.address) as peer:
                peer.socket.settimeout(PATIENCE / 4)
                assert peer.ask(get("/healthz")).status == 200
    finally:
        fortress.end()
