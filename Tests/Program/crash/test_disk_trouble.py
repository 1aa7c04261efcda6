"""A disk that is full or fails under a run: the service says so, sends nothing whose intent it could not write, can be read, and
goes on by itself when writes succeed again.

`make disk-trouble` is the long form. strace counts calls by thread, and the store writes from several: the Nth call of each one fails.
Where strace may not trace, or a file system cannot be mounted, the short form is skipped and says why; the long form fails.
"""

import contextlib
import http.client
import os
import shutil
import signal
import subprocess

import pytest
from books import Books, database_of, opened, remember_everything
from conftest import PATIENCE, Installation, Sandbox, call, until

LONG = os.environ.get("DISK_TROUBLE") == "long"
# Every how manieth N.
STEP = int(os.environ.get("STEP", "1" if LONG else "67"))
SYSTEM_CALLS = ["pwrite64", "fdatasync"]
ERRORS = ["EIO", "ENOSPC"]
LINES = 600 if LONG else 150


def unavailable(reason: str):
    if LONG:
        pytest.fail(reason)
    pytest.skip(reason)


class Trouble:
    """Calls of a running process on its database fail from now on; until `end`, or fewer when `when` says so."""

    def __init__(self, service, database, system_call: str, error: str, when: str, log):
        if not shutil.which("strace"):
            unavailable("strace is not installed")
        self.log = log
        log.unlink(missing_ok=True)
        files = [str(database), f"{database}-wal"]
        self.strace = subprocess.Popen(
            ["strace", "-f", "-o", str(log), "-e", f"trace={system_call}", "-e", f"inject={system_call}:error={error}:when={when}"]
            + [argument for file in files for argument in ("-P", file)] + ["-p", str(service.process.pid)],
            stderr=subprocess.PIPE, text=True,
        )
        said = ""
        for line in self.strace.stderr:
            said += line
            if "attached" in line:
                return
        self.strace.wait(timeout=PATIENCE)
        unavailable("strace cannot trace here: " + said)

    def injected(self) -> int:
        return self.log.read_text(errors="replace").count("(INJECTED)")

    def end(self):
        """Returns when the process is let go."""
        if self.strace.poll() is None:
            self.strace.send_signal(signal.SIGTERM)
        self.strace.stderr.close()
        self.strace.wait(timeout=PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class House:
    """A service with one partner that is connected and mapped, and one more whose run can be asked for."""

    def __init__(self, directory):
        self.directory = directory
        self.sandbox = Sandbox(directory / "sandbox", "--empty")
        remember_everything(self.sandbox)
        self.counts = self.sandbox.customers(LINES)
        self.installation = Installation(directory / "service", self.sandbox)
        self.service = self.installation.start(PERCH_PARALLEL_COUNTS="4")
        self.partner, _ = self.installation.connected_partner(self.service)
        self.other, _ = self.installation.connected_partner(self.service, "Contoso")
        self.cookie = self.sign_in()

    def end(self):
        self.installation.end()
        self.sandbox.end()

    def sign_in(self) -> str:
        link = self.service.api("POST", f"/partners/{self.partner['id']}/launch-link")["url"]
        connection = http.client.HTTPConnection(self.service.url.removeprefix("http://"), timeout=PATIENCE)
        connection.request("GET", link.removeprefix(self.service.url))
        return connection.getresponse().getheader("Set-Cookie").split(";")[0]

    def get(self, path: str, **headers: str) -> int:
        """The status of a page, as a browser that has signed in sees it."""
        connection = http.client.HTTPConnection(self.service.url.removeprefix("http://"), timeout=PATIENCE)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def post(self, path: str) -> tuple[int, object]:
        """Status and answer of a change that may not succeed now."""
        key = {"Authorization": "Bearer " + self.service.operator_key}
        return call("POST", self.service.url + "/api/v1" + path, headers=key)

    def run_to_its_end(self) -> str:
        """A run among other writes; whatever fails meanwhile, it ends well."""
        self.sandbox.control("PATCH", "/settings", {"latencyMs": 4})
        status = 503
        while status == 503:
            status, run = self.post(f"/partners/{self.partner['id']}/sync-runs")
        assert status < 300, run

        def is_over() -> bool:
            self.is_ready()
            for _ in range(10 if LONG else 1):
                status, _ = self.post(f"/partners/{self.partner['id']}/launch-link")
                assert status in (200, 201, 503), status
            return self.service.run(run["id"])["state"] not in ("queued", "running")

        until("the end", is_over)
        return run["id"]

    def trouble(self, system_call: str, error: str, when: str) -> Trouble:
        return Trouble(
            self.service, database_of(self.installation), system_call, error, when, self.directory / "strace.log")

    def begin(self, latency: int, sent: int = 1) -> str:
        """Starts a run; returns when some of its counts have arrived."""
        self.sandbox.control("PATCH", "/settings", {"latencyMs": latency})
        before = self.counts_arrived()
        run = self.service.api("POST", f"/partners/{self.partner['id']}/sync-runs")
        until("counts", lambda: self.counts_arrived() >= before + sent)
        return run["id"]

    def counts_arrived(self) -> int:
        return self.sandbox.control("GET", "/requests")["requests"]["byCall"].get("S4", 0)

    def is_ready(self) -> tuple[int, str]:
        status, answer = call("GET", self.service.url + "/readyz")
        return status, answer["parts"]["store"]

    def stands_still(self, run: str) -> bool:
        """Whether the log says so."""
        return any("stands still" in line and run in line for line in self.service.errors().splitlines())

    def assert_readable(self, run: str):
        assert self.get("/healthz") == 200
        assert self.service.api("GET", "/partners")["items"]
        assert self.service.run(run)["state"] == "running"
        assert len(self.service.lines(run)) == LINES
        assert self.get("/", Cookie=self.cookie) == 200
        assert self.get(f"/runs/{run}", Cookie=self.cookie) == 200

    def assert_nothing_unmeant(self):
        books = Books(opened(database_of(self.installation)), self.sandbox)
        books.assert_every_count_was_meant(1)
        books.close()

    def assert_goes_on(self, run: str):
        self.sandbox.control("PATCH", "/settings", {"latencyMs": 0})
        until("readiness", lambda: self.is_ready() == (200, "ok"))
        ended = self.service.ended(run)
        assert (ended["state"], ended["interruptions"]) == ("succeeded", 0), ended
        lines = self.service.lines(run)
        assert {line["accountId"]: line["sentCount"] for line in lines} == self.counts
        assert all(line["state"] == "accepted" for line in lines)
        self.assert_balanced()

    def assert_balanced(self):
        books = Books(opened(database_of(self.installation)), self.sandbox)
        books.assert_balanced()
        books.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("disk"))
    yield house
    house.end()


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("system_call", SYSTEM_CALLS)
def test_while_the_disk_fails_nothing_is_sent_everything_can_be_read_and_afterwards_the_run_goes_on(house, system_call, error):
    run = house.begin(latency=20, sent=40)
    with house.trouble(system_call, error, "1+"):
        until("the run stands still", lambda: house.stands_still(run))
        status, word = house.is_ready()
        assert status == 503 and word in ("full", "io"), (status, word)
        if system_call == "pwrite64":
            assert word == {"ENOSPC": "full", "EIO": "io"}[error]
        arrived = house.counts_arrived()
        house.assert_readable(run)
        house.assert_nothing_unmeant()
        status, problem = house.post(f"/partners/{house.other['id']}/sync-runs")
        assert status == 503, problem
        assert "The change was not made" in problem["detail"], problem
        assert house.counts_arrived() == arrived
    house.assert_goes_on(run)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("system_call", SYSTEM_CALLS)
def test_whichever_write_fails_the_books_balance(tmp_path, system_call, error):
    """The Nth call of each thread fails while a run goes on and other things are written beside it."""
    reached, numbers = 0, range(1, 201, STEP)
    # A house for every twenty: books that grow without end take ever longer to balance.
    for first in range(0, len(numbers), 20):
        house = House(tmp_path / str(first))
        try:
            for number in numbers[first : first + 20]:
                with house.trouble(system_call, error, str(number)) as trouble:
                    run = house.run_to_its_end()
                    # One run may be too short for a thread to come so far.
                    while LONG and not trouble.injected():
                        run = house.run_to_its_end()
                    reached += trouble.injected() > 0
                house.assert_goes_on(run)
        finally:
            house.end()
    print(f"{system_call} {error}: {reached} of {len(numbers)} N were reached")
    assert reached == len(numbers) if LONG else reached > 0


@contextlib.contextmanager
def small_disk(place, megabytes: int):
    place.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(place)], capture_output=True, text=True)
    if mounted.returncode != 0:
        unavailable("no file system can be mounted here: " + mounted.stderr.strip())
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_is_full_for_real(tmp_path):
    with small_disk(tmp_path / "service" / "data", 16) as disk:
        house = House(tmp_path)
        try:
            run = house.begin(latency=20, sent=40)
            filler = disk / "filler"
            with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
            until("the run stands still", lambda: house.stands_still(run))
            assert house.is_ready() == (503, "full")
            arrived = house.counts_arrived()
            house.assert_readable(run)
            house.assert_nothing_unmeant()
            assert house.counts_arrived() == arrived
            filler.unlink()
            house.assert_goes_on(run)
        finally:
            house.end()
