"""SIGTERM at random moments while clients of every kind are busy.

What a client can see, and what counts:

- An answer that began must be whole, whatever it is: a file, a page, a streamed CSV. An event stream is whole when it ends with a
  last chunk, after `retry:` (the server stopped) or after the event `end` (the run was over).
- A client that got `100 Continue` knows that its head was read, so a whole answer must follow once it has sent its body.
- A request is owed an answer when its client's last `send` had returned before the signal was sent: on one machine the bytes are
  then in the system's queue of a connection that is accepted or waits to be, and the service promises to read both. The same goes
  for a head of which a part was sent before the signal, if the rest follows at once.
- Of requests sent at one go (pipelining) the first is owed an answer; behind it whole answers may follow, and then nothing.
- Silence on any other request is allowed. Its connection was closed before the request came, or with it unread, and no client can
  tell these two from a server that read the request and dropped it. That case is for the tests of the state machine.
"""

import dataclasses
import os
import random
import signal
import threading
import time

from conftest import PATIENCE, until
from fortress import LONG, Vitals
from peers import Cut, Ended, Peer, get, request
from test_event_streams import partner_cookie

MOMENTS = 200 if LONG else 10
STOP_DEADLINE = 10
FORM = "Content-Type: application/x-www-form-urlencoded"


@dataclasses.dataclass
class Exchange:
    """One request, as its client saw it."""

    who: str
    # When enough was sent that an answer is owed if this was before the signal; None when it could not be sent.
    owed_since: float | None = None
    # `whole`, `cut` or `silence`; empty while it goes on.
    outcome: str = ""


class Load:
    """Clients on threads of their own, each repeating its kind of request until the service is gone."""

    def __init__(self, address: tuple[str, int], paths: dict[str, str], cookie: str):
        self.address, self.paths, self.cookie = address, paths, "Cookie: " + cookie
        self.exchanges: list[Exchange] = []
        self.broken: list[str] = []
        kinds = [
            (self.keep_alive, 3), (self.newcomer, 2), (self.slow_head, 2), (self.slow_body, 2), (self.slow_reader, 1),
            (self.pipeliner, 1), (self.download, 1), (self.viewer, 2),
        ]
        self.begun: list[threading.Event] = []
        self.threads = []
        for kind, count in kinds:
            for _ in range(count):
                begun = threading.Event()
                self.begun.append(begun)
                self.threads.append(threading.Thread(target=self._repeat, name=kind.__name__, args=(kind, begun), daemon=True))

    def start(self):
        for thread in self.threads:
            thread.start()
        for begun in self.begun:
            assert begun.wait(PATIENCE), self.broken

    def join(self):
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _repeat(self, kind, begun: threading.Event):
        try:
            while True:
                try:
                    kind(begun)
                except ConnectionRefusedError:
                    return
                except ConnectionError:
                    continue  # while connecting
        except Exception as error:
            self.broken.append(f"{kind.__name__}: {error!r}")

    def exchange(self, peer: Peer, *pieces: bytes, owed_from: int = -1, read=None) -> bool:
        """Sends the pieces with pauses between them, and reads the answer, which is owed from the piece with that index on.

        Returns whether it is whole and the connection lives on."""
        exchange = Exchange(threading.current_thread().name)
        self.exchanges.append(exchange)
        try:
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(0.005)  # slow on purpose
                peer.send(piece)
                if number == owed_from % len(pieces):
                    exchange.owed_since = time.monotonic()
        except ConnectionError:
            pass  # what was answered all the same can still be read
        try:
            answer = (read or peer.answer)()
            exchange.outcome = "whole"
            return answer is not None and answer.fields.get("connection") != "close"
        except Ended:
            exchange.outcome = "silence"
        except Cut as cut:
            exchange.outcome = f"cut: {cut}"
        return False

    # MARK: kinds

    def keep_alive(self, begun):
        with Peer(self.address) as peer:
            for path in ["/perch.css", "/console/sign-in", "/readyz"] * 100:
                if not self.exchange(peer, get(path)):
                    return
                begun.set()

    def newcomer(self, begun):
        with Peer(self.address) as peer:
            self.exchange(peer, get("/favicon.svg", "Connection: close"))
            begun.set()

    def slow_head(self, begun):
        words = get("/console/sign-in", "X: " + "a" * 50)
        with Peer(self.address) as peer:
            self.exchange(peer, *[words[start : start + 10] for start in range(0, len(words), 10)], owed_from=0)
            begun.set()

    def slow_body(self, begun):
        body = b"key=" + b"x" * 96
        head = request("POST", "/console/sign-in", FORM, "Expect: 100-continue", f"Content-Length: {len(body)}")
        with Peer(self.address) as peer:
            continued = False

            def interim():
                nonlocal continued
                answer = peer.answer()
                continued = answer.status == 100
                return answer

            self.exchange(peer, head, read=interim)
            if continued:
                self.exchange(peer, *[body[start : start + 10] for start in range(0, 100, 10)], owed_from=0)
                begun.set()

    def slow_reader(self, begun):
        with Peer(self.address, receive_buffer=4096) as peer:
            self.exchange(peer, get("/openapi.yaml"))
            begun.set()

    def pipeliner(self, begun):
        with Peer(self.address) as peer:
            lives = self.exchange(peer, get("/perch.css") + get("/console/sign-in") + get("/perch.js") + get("/readyz"))
            try:
                for _ in range(3 if lives else 0):
                    peer.answer()
            except Ended:
                pass
            except Cut as cut:
                self.exchanges[-1].outcome = f"cut: {cut}"
            begun.set()

    def download(self, begun):
        with Peer(self.address) as peer:
            self.exchange(peer, get(self.paths["csv"], self.cookie))
            begun.set()

    def viewer(self, begun):
        with Peer(self.address) as peer:

            def stream():
                head = peer.head()
                assert head.status == 200, head.status
                last = b""
                for chunk in peer.chunks():
                    begun.set()
                    last = chunk
                if not last.startswith((b"retry: ", b"event: end")):
                    raise Cut(last)

            self.exchange(peer, get(self.paths["events"], self.cookie), read=stream)


def violations(exchanges: list[Exchange], signalled: float) -> list[Exchange]:
    return [
        one for one in exchanges
        if one.outcome.startswith("cut")
        or one.outcome != "whole" and one.owed_since is not None and one.owed_since < signalled
    ]


def test_sigterm_at_random_moments_under_load(installation, sandbox):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}")
    dice = random.Random(seed)
    sandbox.customers(200)
    settings = {"PERCH_PARALLEL_COUNTS": "1", "PERCH_STOP_DEADLINE": str(STOP_DEADLINE)}
    service = installation.start(**settings)
    partner, _ = installation.connected_partner(service)
    cookie = partner_cookie(service, partner)
    done = service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"]
    assert service.ended(done)["state"] == "succeeded"
    # Only counts are slow, so that a run is under way for long and yet stops fast.
    sandbox.control("PUT", "/faults", [{"method": "POST", "path": "*/count", "delayMs": 50, "times": -1}])

    answered = silent = under_way = 0
    slowest, run = 0.0, None
    for number in range(MOMENTS):
        if number:
            service = installation.start(**settings)
        if run is None or service.run(run)["state"] not in ("queued", "running"):
            run = service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"]
            until("the run is under way", lambda: service.run(run)["state"] == "running")
        load = Load(Vitals(service).address, {"csv": f"/runs/{done}/lines.csv", "events": f"/runs/{run}/events"}, cookie)
        load.start()
        time.sleep(dice.uniform(0, 0.1))  # the random moment
        signalled = time.monotonic()
        under_way += sum(not one.outcome for one in load.exchanges)
        status = service.signal(signal.SIGTERM)
        slowest = max(slowest, time.monotonic() - signalled)
        load.join()
        assert status == 0, service.errors()
        assert slowest < STOP_DEADLINE + 5
        assert not load.broken, load.broken
        assert not violations(load.exchanges, signalled), (number, signalled, violations(load.exchanges, signalled))
        assert "were cut at the deadline" not in service.errors()
        answered += sum(one.outcome == "whole" for one in load.exchanges)
        silent += sum(one.outcome == "silence" for one in load.exchanges)
        service.end()
    print(
        f"{MOMENTS} stops: {under_way} requests under way at the signals, {answered} answered in all, {silent} in silence that "
        f"was allowed; the slowest stop took {slowest:.2f} s"
    )
    assert under_way > MOMENTS


def test_what_a_violation_is():
    """The judge itself: it must not let anything pass."""
    before, after = 1.0, 3.0
    assert violations([Exchange("a", before, "cut: x"), Exchange("b", after, "cut: x"), Exchange("c", None, "cut: x")], 2.0)
    assert violations([Exchange("a", before, "silence")], 2.0)
    assert not violations([Exchange("a", after, "silence"), Exchange("b", None, "silence"), Exchange("c", before, "whole")], 2.0)
