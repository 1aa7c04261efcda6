"""One process attacked in every way in turn: it stays small, answers others meanwhile, is rid of each attacker by his deadline,
and is idle when they are gone. The tests share the process on purpose, so that what one leaves behind is seen by the next."""

import os
import random
import socket
import time

import pytest
from conftest import until

from fortress import LONG, MEGABYTE, Fortress, module_directory, operator_key  # noqa: F401, fixture
from peers import PIECE, Crowd, Peer, connect, get, request, reset

HEADER, BODY, WRITE = 2, 4, 1
PLACES = 1024
# A deadline is kept to a tick of 250 ms; the rest is for a busy machine.
SLACK = 3
FORM = "Content-Type: application/x-www-form-urlencoded"
LARGEST = get("/openapi.yaml")  # 46 KB


@pytest.fixture(scope="module")
def fortress(module_directory):  # noqa: F811
    key = operator_key(module_directory)
    fortress = Fortress(
        module_directory, PERCH_HEADER_TIMEOUT=str(HEADER), PERCH_BODY_TIMEOUT=str(BODY), PERCH_WRITE_TIMEOUT=str(WRITE),
        PERCH_CONNECTIONS=str(PLACES),
    )
    fortress.operator_key = key
    fortress.vitals.assert_serves()
    yield fortress
    fortress.end()


@pytest.fixture
def vitals(fortress):
    """Before and after each attack the service serves, and has no more descriptors than before."""
    fortress.vitals.assert_serves()
    until("nobody is connected", lambda: fortress.vitals.connected() == 0)
    before = fortress.vitals.sockets()
    yield fortress.vitals
    fortress.vitals.assert_serves()
    fortress.vitals.until_sockets(before)


def test_clients_who_drip_a_byte_a_second_hinder_nobody_and_are_gone_by_the_deadline(fortress, vitals):
    before = vitals.sockets()
    with Crowd(fortress.address, PLACES - 1) as crowd:
        crowd.send(b"G")
        crowd.until("the first byte of all is sent", lambda: crowd.is_sent)
        normal, begun, drips = 0.0, time.monotonic(), 0
        while crowd.open:
            passed = time.monotonic() - begun
            assert passed < HEADER + SLACK, f"{len(crowd.open)} still there"
            if passed // 1 > drips:
                # Those who have their answer drip on, as such clients do.
                drips += 1
                crowd.send(b"E")
                normal = max(normal, vitals.assert_serves())
            crowd.turn()
        assert drips
        assert {member.status for member in crowd.members} == {408}
        lived = [member.answered_at - member.begun_at for member in crowd.members]
        print(
            f"{len(lived)} drips: a normal client's slowest request took {normal * 1000:.0f} ms; 408 came "
            f"{min(lived):.2f} to {max(lived):.2f} s after the first byte, with a deadline of {HEADER} s"
        )
        assert normal < 2
        assert HEADER - 0.1 <= min(lived) and max(lived) < HEADER + SLACK
        # The service is rid of them even though none has closed its side.
        vitals.until_sockets(before)


# Each sends for ever; the service must not keep what it cannot use.
ENDLESS = {
    "URL": (b"GET /", b"a" * PIECE, 414),
    "header": (b"GET / HTTP/1.1\r\nHost: siege\r\nX: ", b"a" * PIECE, 431),
    "headers": (b"GET / HTTP/1.1\r\nHost: siege\r\n", b"X: a\r\n" * (PIECE // 6), 431),
    "chunk extension": (
        request("POST", "/console/sign-in", FORM, "Transfer-Encoding: chunked") + b"1;a=", b"a" * PIECE, 400,
    ),
    "chunk extensions": (
        request("POST", "/console/sign-in", FORM, "Transfer-Encoding: chunked"), b"1;a=aaaaaaaaaa\r\na\r\n" * 2000, 400,
    ),
    "chunked body": (
        request("POST", "/console/sign-in", FORM, "Transfer-Encoding: chunked"),
        b"10000\r\n" + b"a" * 0x10000 + b"\r\n", 413,
    ),
    "trailers": (
        request("POST", "/console/sign-in", FORM, "Transfer-Encoding: chunked") + b"0\r\n", b"X: a\r\n" * (PIECE // 6), 431,
    ),
    "body of a length": (request("POST", "/console/sign-in", FORM, "Content-Length: 16000000"), b"a" * PIECE, 413),
    "body that nobody wants": (request("POST", "/perch.css", "Content-Length: 16000000"), b"a" * PIECE, 405),
}
CROWD = 200


def assert_small(vitals, what: str, before: int, bound: int = MEGABYTE):
    growth = (vitals.peak() - before) / CROWD
    print(f"{CROWD} × {what}: {growth / 1024:.0f} KB a connection; resident {vitals.memory() / MEGABYTE:.0f} MB")
    assert growth < bound, growth


@pytest.mark.parametrize("what", ENDLESS)
def test_something_endless_is_refused_and_not_kept(fortress, vitals, what):
    opening, endless, status = ENDLESS[what]
    before = vitals.memory()
    vitals.forget_peak()
    with Crowd(fortress.address, CROWD) as crowd:
        crowd.send(opening, endless)
        crowd.until("the service is rid of all", lambda: not crowd.open)
        # The answer may be lost to the reset that the client's own bytes provoke (RFC 9112 section 9.6), and a client that
        # shares a slow machine with 199 others may itself be too slow.
        told = [member.status for member in crowd.members if member.status]
        assert set(told) <= {status, 408} and told.count(status) > CROWD * 0.8, told
    assert_small(vitals, f"endless {what}", before)


def test_clients_who_stop_just_below_a_limit_cost_what_they_sent_and_are_gone_by_the_deadline(fortress, vitals):
    """All that the limits let in is held at once: the head, a form of 64 KiB, an operator's JSON of 1 MiB.

    That a body came fast at first buys it no longer silence at its end."""
    json = request(
        "POST", "/api/v1/partners", "Content-Type: application/json", f"Authorization: Bearer {fortress.operator_key}",
        f"Content-Length: {MEGABYTE}",
    )
    shapes = {
        "head of 32 KB": (b"GET / HTTP/1.1\r\nHost: siege\r\n" + (b"X: " + b"a" * 8000 + b"\r\n") * 4, HEADER),
        "form of 64 KB": (request("POST", "/console/sign-in", FORM, f"Content-Length: {PIECE}") + b"a" * (PIECE - 1), BODY),
        "JSON of 1 MB": (json + b" " * (MEGABYTE - 1), BODY),
    }
    for what, (words, deadline) in shapes.items():
        before = vitals.memory()
        vitals.forget_peak()
        with Crowd(fortress.address, CROWD) as crowd:
            crowd.send(words)
            crowd.until("all is read", lambda: crowd.is_sent and vitals.unread() == 0)
            begun = time.monotonic()
            # What was sent is no growth that a limit could prevent, and an array grows by doubling.
            assert_small(vitals, what, before, bound=MEGABYTE if len(words) < MEGABYTE else 3 * MEGABYTE)
            while crowd.open:
                assert time.monotonic() - begun < deadline + SLACK, f"{len(crowd.open)} of {what} still there"
                crowd.turn()
            assert {member.status for member in crowd.members} == {408}
            print(f"408 for all {time.monotonic() - begun:.1f} s after the last byte, with a deadline of {deadline} s")


def test_answers_that_nobody_reads_are_not_piled_up_and_end_at_the_write_deadline(fortress, vitals):
    sockets, before = vitals.sockets(), vitals.memory()
    vitals.forget_peak()
    with Crowd(fortress.address, CROWD, receive_buffer=4096, reads=False) as crowd:
        begun = time.monotonic()
        crowd.send(LARGEST * 100)
        crowd.until("all is sent", lambda: crowd.is_sent)
        vitals.until_sockets(sockets)
        lasted = time.monotonic() - begun
        # The deadline counts from the last piece that the system took, and it takes hundreds of megabytes from 200.
        print(f"unread answers: all cut within {lasted:.1f} s, with a deadline of {WRITE} s")
        assert WRITE < lasted < WRITE + 5 * SLACK
        # Cut means cut: the system does not go on to keep megabytes for each until it gives up, minutes later.
        assert vitals.orphans() == 0
    assert_small(vitals, "unread answers", before)


def read_at(connection: socket.socket, rate: int, seconds: float) -> tuple[float, int]:
    """Reads so many bytes a second in small pieces until the end or for so long. Returns how long it went and how much came."""
    begun, count = time.monotonic(), 0
    connection.settimeout(WRITE + SLACK)
    while (passed := time.monotonic() - begun) < seconds:
        if count > rate * passed:
            time.sleep(count / rate - passed)  # the pace is what is tested
        try:
            piece = connection.recv(4096)
        except ConnectionError:
            break
        if not piece:
            break
        count += len(piece)
    return time.monotonic() - begun, count


def test_a_reader_who_takes_a_piece_within_each_deadline_is_not_cut(fortress, vitals):
    """`WRITE_TIMEOUT` is for each 64 KiB: twice that pace is fine for as long as it takes, whatever the system buffers."""
    with Peer(fortress.address, receive_buffer=4096) as peer:
        peer.send(LARGEST * 100)  # 4.6 MB of answers
        rate, seconds = 2 * PIECE // WRITE, (20 if LONG else 4) * WRITE
        lasted, count = read_at(peer.socket, rate, seconds)
        print(f"a reader at {rate // 1024} KB/s was served for {lasted:.1f} of {seconds} s, {count // 1024} KB")
        assert lasted >= seconds


def test_a_reader_who_takes_an_eighth_of_that_is_cut(fortress, vitals):
    sockets = vitals.sockets()
    with Peer(fortress.address, receive_buffer=4096) as peer:
        peer.send(LARGEST * 100)
        lasted, count = read_at(peer.socket, PIECE // 8 // WRITE, 3 * WRITE)
        print(f"a reader at {PIECE // 8 // WRITE // 1024} KB/s, with {count // 1024} KB taken, was cut within {lasted:.1f} s")
        vitals.until_sockets(sockets)


def test_a_greedy_client_leaves_room_for_others(fortress, vitals):
    """Some send requests without waiting, as fast as the answers come; another one asks now and then."""
    with Crowd(fortress.address, 50) as greedy:
        greedy.send(b"", endless=get("/favicon.svg") * 2000)
        times = []
        for _ in range(10):
            asked = connect(fortress.address)
            member = greedy.join(asked)
            begun = time.monotonic()
            greedy.send(request("GET", "/healthz", "Connection: close"), to=[member])
            greedy.until("the answer", lambda: member.ended_at)
            assert member.status == 200
            times.append(member.ended_at - begun)
        served = sum(member.received_count for member in greedy.members) / MEGABYTE
        print(f"beside 50 greedy clients, who got {served:.0f} MB: {max(times) * 1000:.0f} ms at most")
    assert max(times) < 5


def test_a_body_in_crumbs_costs_no_more_than_its_bytes(fortress, vitals):
    """A form of 60 KB in chunks of one byte: 360 KB on the wire."""
    crumbs = b"1\r\na\r\n" * 60_000 + b"0\r\n\r\n"
    before = vitals.processor_seconds()
    with Peer(fortress.address) as peer:
        answer = peer.ask(request("POST", "/console/sign-in", FORM, "Transfer-Encoding: chunked") + crumbs)
    assert answer.status == 401
    cost = vitals.processor_seconds() - before
    print(f"60,000 chunks of one byte: {cost:.2f} s of a processor")
    assert cost < 4


VANISHING = {
    "in the method": b"GE",
    "in a header": b"GET / HTTP/1.1\r\nHost: sie",
    "in a body": request("POST", "/console/sign-in", FORM, "Content-Length: 100") + b"key=",
    "in a chunked body": request("POST", "/console/sign-in", FORM, "Transfer-Encoding: chunked") + b"8\r\nkey=",
    "before a handler's answer": get("/console/sign-in"),
    "in an answer": LARGEST * 20,
    "in silence": b"",
}


def vanish(fortress: Fortress, dice: random.Random, times: int):
    for _ in range(times):
        connection = connect(fortress.address, receive_buffer=4096)
        connection.sendall(VANISHING[dice.choice(list(VANISHING))])
        if dice.random() < 0.3:
            connection.settimeout(0.002)
            try:
                connection.recv(dice.randrange(1, 4096))
            except TimeoutError:
                pass  # nothing was to come
        if dice.random() < 0.5:
            reset(connection)
        else:
            connection.close()


def test_peers_who_vanish_leave_nothing_behind(fortress, vitals):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}")
    dice, times = random.Random(seed), 20_000 if LONG else 1000
    sockets = vitals.sockets()
    vanish(fortress, dice, times // 2)
    vitals.until_sockets(sockets)
    warm = vitals.memory()
    vanish(fortress, dice, times)
    vitals.until_sockets(sockets)
    growth = vitals.memory() - warm
    print(f"{times} vanished peers after {times // 2} others: {growth / 1024:+.0f} KB resident, no descriptor more")
    assert growth < 4 * MEGABYTE


def test_after_all_that_the_process_is_idle(fortress, vitals):
    assert fortress.process.poll() is None
    assert "error perch" not in fortress.errors() and "warning perch: [Server" not in fortress.errors()
    until("all have gone", lambda: vitals.connected() == 0)
    vitals.assert_idle(3)
