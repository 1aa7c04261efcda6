"""A `perch serve` under siege, and what the system tells of it from outside."""

import os
import pathlib
import resource
import time

import pytest
from conftest import VENDOR_KEY, Process, clean_environment, perch, until

from peers import Peer, get

# The long form of every test: `make siege`.
LONG = os.environ.get("SIEGE") == "long"
MEGABYTE = 1 << 20


class Fortress(Process):
    """A service that needs no Synthesize: nobody is connected."""

    def __init__(self, directory: pathlib.Path, open_files: int | None = None, **settings: str):
        """`open_files` is the soft limit that the process starts with."""
        environment = {
            "PERCH_PORT": "0",
            "PERCH_DATA_DIRECTORY": str(directory / "data"),
            "PERCH_VENDOR_API_KEY": VENDOR_KEY,
        }
        environment.update(settings)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_files or soft, hard))
        try:
            super().__init__(["serve"], directory, clean_environment(**environment))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.url = self.first_line.split(" ")[-1]
        self.vitals = Vitals(self)

    @property
    def address(self) -> tuple[str, int]:
        return self.vitals.address


class Vitals:
    """Memory, processor time, descriptors and connections of a running service."""

    def __init__(self, service: Process):
        host, port = service.url.removeprefix("http://").split(":")
        self.address = (host, int(port))
        self.process = service.process.pid

    def memory(self) -> int:
        """Resident bytes."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """The most that was resident since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process}/clear_refs").write_text("5")

    def descriptors(self) -> dict[int, str]:
        """What each open descriptor is."""
        links = {}
        for name in os.listdir(f"/proc/{self.process}/fd"):
            try:
                links[int(name)] = os.readlink(f"/proc/{self.process}/fd/{name}")
            except FileNotFoundError:
                pass  # closed since it was listed
        return links

    def sockets(self) -> int:
        """Open descriptors that are sockets. The store opens files when it needs them, and keeps them."""
        return sum(link.startswith("socket:") for link in self.descriptors().values())

    def processor_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def unread(self) -> int:
        """Bytes that came for the service and that it has not read."""
        return sum(unread for _, unread in self._connections())

    def connected(self) -> int:
        """Connections with both sides there."""
        return sum(state == "01" for state, _ in self._connections())

    def orphans(self) -> int:
        """Closed connections whose bytes the system still keeps for a client who does not take them."""
        return sum(state in ("04", "09", "0B") for state, _ in self._connections())

    def _status(self, name: str) -> int:
        for line in pathlib.Path(f"/proc/{self.process}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise KeyError(name)

    def _connections(self):
        """State and unread bytes of each (proc_pid_net(5)); the listening socket is none."""
        port = f":{self.address[1]:04X}"
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(port) and fields[3] != "0A":
                yield fields[3], int(fields[4].split(":")[1], 16)

    def assert_serves(self):
        """Health, a file and a page, on one new connection. Returns the seconds that the slowest took."""
        slowest = 0.0
        with Peer(self.address) as peer:
            for path, status in [("/healthz", 200), ("/readyz", 200), ("/perch.css", 200), ("/console/sign-in", 200)]:
                begun = time.monotonic()
                assert peer.ask(get(path)).status == status, path
                slowest = max(slowest, time.monotonic() - begun)
        return slowest

    def assert_idle(self, seconds: float):
        """The process does next to nothing when nobody asks it for anything: ticks, and no busy loop."""
        before, begun = self.processor_seconds(), time.monotonic()
        time.sleep(seconds)  # the one thing here that is a time by itself
        share = (self.processor_seconds() - before) / (time.monotonic() - begun)
        print(f"idle: {share:.1%} of a processor over {seconds:.0f} s")
        assert share < 0.1, share

    def until_sockets(self, count: int):
        until(f"{count} open sockets", lambda: self.sockets() <= count)


def operator_key(directory: pathlib.Path) -> str:
    issued = perch("operators", "issue", "Siege", directory=directory, PERCH_DATA_DIRECTORY=str(directory / "data"))
    assert issued.returncode == 0, issued.stderr
    return issued.stdout.strip()


@pytest.fixture(scope="module")
def module_directory(tmp_path_factory) -> pathlib.Path:
    return tmp_path_factory.mktemp("fortress")
