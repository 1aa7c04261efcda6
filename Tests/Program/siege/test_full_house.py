"""More clients than there are places. Health checks are answered; others wait for no one: they get 503, or the place of whoever
has been kept longest without a request."""

import time

import pytest

from fortress import Fortress
from peers import Crowd, Peer, get, request

PLACES, RESERVED = 32, 4


@pytest.fixture
def fortress(tmp_path):
    fortress = Fortress(
        tmp_path, PERCH_CONNECTIONS=str(PLACES), PERCH_RESERVED_CONNECTIONS=str(RESERVED), PERCH_HEADER_TIMEOUT="600"
    )
    yield fortress
    fortress.end()


class Working:
    """Requests that are being served: the handler waits for a body that does not come yet, as its `100 Continue` proves."""

    BODY = b"key=" + b"x" * 60

    def __init__(self, fortress: Fortress, count: int):
        head = request(
            "POST", "/console/sign-in", "Content-Type: application/x-www-form-urlencoded", "Expect: 100-continue",
            f"Content-Length: {len(self.BODY)}",
        )
        self.peers = [Peer(fortress.address) for _ in range(count)]
        assert all(peer.ask(head).status == 100 for peer in self.peers)

    def finish(self):
        """Each gets the answer that it would have got in an empty house: the key is wrong."""
        for peer in self.peers:
            with peer:
                # Many wrong keys from one address: the later ones have to wait.
                assert peer.ask(self.BODY).status in (401, 429)


def assert_healthy(fortress: Fortress) -> float:
    """Returns the seconds that the slower of two checks took."""
    times = []
    for path in ("/healthz", "/readyz"):
        begun = time.monotonic()
        with Peer(fortress.address) as peer:
            assert peer.ask(get(path)).status == 200, path
        times.append(time.monotonic() - begun)
    return max(times)


def test_a_house_full_of_work_answers_health_checks_and_503_to_others(fortress):
    working = Working(fortress, PLACES)
    slowest = assert_healthy(fortress)
    for path in ["/", "/perch.css", "/console/sign-in"] * 20:
        with Peer(fortress.address) as peer:
            answer = peer.ask(get(path))
            assert answer.status == 503
            assert int(answer.fields["retry-after"]) >= 1 and answer.fields["connection"] == "close"
            assert peer.rest() == b""
    # More of them at once than there are reserved places: everyone gets his word.
    with Crowd(fortress.address, 0) as crowd:
        for _ in range(10 * RESERVED):
            crowd.grow(fortress.address, 1, get("/"))
            crowd.turn(0)
        crowd.until("503 for all", lambda: not crowd.open)
        assert {member.status for member in crowd.members} == {503}
    working.finish()
    fortress.vitals.assert_serves()
    print(f"{PLACES} working requests: the slower health check took {slowest * 1000:.0f} ms")
    assert slowest < 2


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"GET / HTTP/1.1\r\nHost:", id="in-the-middle-of-a-head"),
        pytest.param(request("POST", "/console/sign-in", "Content-Length: 1000") + b"key=", id="in-the-middle-of-a-body"),
    ],
)
def test_newcomers_who_hang_on_in_a_full_house_keep_no_health_check_out(fortress, words):
    working = Working(fortress, PLACES)
    with Crowd(fortress.address, 0) as crowd:
        for _ in range(10 * RESERVED):
            crowd.grow(fortress.address, 1, words)
            crowd.turn(0)
        slowest = assert_healthy(fortress)
        print(f"{len(crowd.members)} newcomers who hang on: the slower health check took {slowest:.2f} s")
    assert slowest < 5
    working.finish()


def test_kept_connections_make_room_the_longest_idle_first(fortress):
    with Crowd(fortress.address, 0) as crowd:
        for number in range(PLACES + 10):
            kept = Peer(fortress.address)
            assert kept.ask(get("/perch.css" if number % 2 else "/console/sign-in")).status == 200
            crowd.join(kept.socket)
            crowd.until("one has made room", lambda: len(crowd.open) <= PLACES)
        slowest = assert_healthy(fortress)
        crowd.turn()
        gone = [number for number, member in enumerate(crowd.members) if member.ended_at is not None]
        # The two health checks took places too, one after the other.
        assert gone in (list(range(11)), list(range(12)))
        assert not any(member.received_count for member in crowd.members)
        print(f"{PLACES} kept connections: the slower health check took {slowest * 1000:.0f} ms; made room: {gone}")
        assert slowest < 2
    fortress.vitals.assert_serves()
