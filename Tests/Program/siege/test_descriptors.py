"""The system gives no more descriptors: the service lives on, says so once, and serves again when it can."""

import resource

import pytest
from conftest import until

from fortress import Fortress
from peers import Crowd, Peer, get

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
    with Peer(fortress.address) as early, Crowd(fortress.address, 5 * free) as crowd:
        # They are connected as far as the system is concerned, and wait for the service.
        until("the service has run out of descriptors", lambda: COMPLAINT in fortress.errors())
        assert early.ask(get("/perch.css")).status == 200  # whoever is in is served
        crowd.send(get("/perch.css", "Connection: close"))
        # Each answer frees a place for the next, so in the end nobody was refused.
        crowd.until("all are served", lambda: not crowd.open)
        assert {member.status for member in crowd.members} == {200}
    fortress.vitals.assert_serves()
    complaints = fortress.errors().count(COMPLAINT)
    print(f"{5 * free} clients with {free} free descriptors: all served; complaints: {complaints}")
    assert complaints == 1
