"""Runs the built program as a person and a supervisor do: by its command line, its files, its signals and its ports."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("PERCH_PROGRAM", str(ROOT / ".build/debug/perch"))
# Generous, because a busy machine is slow; nothing waits this long when all is well.
PATIENCE = 60
VENDOR_KEY = "vendor-key-of-the-tests=="


def clean_environment(**settings: str) -> dict[str, str]:
    """Nothing of the environment of whoever runs the tests gets in."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TZ": "UTC"}
    environment.update(settings)
    return environment


def call(method: str, url: str, body=None, headers=None) -> tuple[int, object]:
    request = urllib.request.Request(url, method=method, headers=headers or {})
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text) if text else None


def until(what: str, ask):
    """Asks until the answer is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError("waited in vain: " + what)


class Process:
    """A running `perch`, known by the first line that it prints; `first` is a word of that line when others come before."""

    def __init__(self, arguments: list[str], directory: pathlib.Path, environment: dict[str, str], first: str = ""):
        directory.mkdir(parents=True, exist_ok=True)
        self.log = open(directory / f"{arguments[0]}.log", "ab+")
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=self.log, cwd=directory, env=environment
        )
        self.first_line = next((line.decode().strip() for line in self.process.stdout if first.encode() in line), "")
        self.seconds_to_start = time.monotonic() - self.begun
        if not self.first_line:
            self.process.wait(timeout=PATIENCE)
            raise RuntimeError("did not start: " + self.errors())

    def errors(self) -> str:
        self.log.seek(0)
        return self.log.read().decode()

    def signal(self, number: int) -> int:
        self.process.send_signal(number)
        status = self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        return status

    def kill(self):
        self.signal(signal.SIGKILL)

    def end(self):
        if self.process.poll() is None:
            self.kill()
        self.log.close()


class Sandbox(Process):
    """`perch sandbox`, in a process of its own, so that it lives on when the service dies."""

    def __init__(self, directory: pathlib.Path, *arguments: str, port: int = 0):
        super().__init__(
            ["sandbox", "--json", "--port", str(port), "--vendor-key", VENDOR_KEY, *arguments], directory, clean_environment()
        )
        info = json.loads(self.first_line)
        self.url, self.vendor_key = info["sandbox"], info["vendorAPIKey"]
        assert self.vendor_key == VENDOR_KEY == info["saasAlertsAPIKey"]

    def control(self, method: str, path: str, body=None):
        status, answer = call(method, self.url + "/control" + path, body)
        assert status < 300, (method, path, status, answer)
        return answer

    def state(self) -> dict:
        return self.control("GET", "/state")

    def create_organization(self, name: str) -> dict:
        return self.control("POST", "/organizations", {"name": name})

    def organization(self, identifier: str) -> dict:
        return next(one for one in self.state()["organizations"] if one["id"] == identifier)

    def customers(self, number: int) -> dict[str, int]:
        """Lets SaaS Alerts have so many customers; answers what each must come to in Synthesize."""
        counts = {f"c{index}": 1 + index % 9 for index in range(1, number + 1)}
        self.control(
            "PUT",
            "/saas-alerts",
            {"customers": [{"id": id, "name": f"Customer {id}", "billable": count} for id, count in counts.items()]},
        )
        return counts


class Service(Process):
    """`perch serve` on a data directory."""

    def __init__(self, directory: pathlib.Path, sandbox: Sandbox, operator_key: str, **settings: str):
        super().__init__(["serve"], directory, service_environment(directory, sandbox, **settings))
        assert self.first_line.startswith("perch listens on http://"), self.first_line
        self.url = self.first_line.split(" ")[-1]
        self.operator_key = operator_key

    def api(self, method: str, path: str, body=None):
        status, answer = call(
            method, self.url + "/api/v1" + path, body, {"Authorization": "Bearer " + self.operator_key}
        )
        assert status < 300, (method, path, status, answer)
        return answer

    def run(self, identifier: str) -> dict:
        return self.api("GET", "/sync-runs/" + identifier)

    def ended(self, identifier: str) -> dict:
        def ask():
            run = self.run(identifier)
            return run if run["state"] not in ("queued", "running") else None

        return until("the end of run " + identifier, ask)

    def lines(self, identifier: str) -> list[dict]:
        lines, query = [], "?limit=200"
        while True:
            page = self.api("GET", f"/sync-runs/{identifier}/lines{query}")
            lines += page["items"]
            if not page.get("nextCursor"):
                return lines
            query = "?limit=200&cursor=" + page["nextCursor"]


def service_environment(directory: pathlib.Path, sandbox: Sandbox, **settings: str) -> dict[str, str]:
    """Settings that point the service at the sandbox."""
    environment = {
        "PERCH_PORT": "0",
        "PERCH_DATA_DIRECTORY": str(directory / "data"),
        "PERCH_VENDOR_API_KEY": sandbox.vendor_key,
        "PERCH_SYNTHESIZE_URL": sandbox.url,
        "PERCH_SAAS_ALERTS_URL": sandbox.url + "/saas-alerts",
        "PERCH_ALLOW_PLAIN_HTTP": "true",
        "PERCH_CALLS_PER_SECOND": "0",
    }
    if "PERCH_CONNECTOR" in settings:
        # A setting of the usual connector's.
        del environment["PERCH_SAAS_ALERTS_URL"]
    environment.update(settings)
    return clean_environment(**environment)


def perch(*arguments: str, directory: pathlib.Path, user: str | None = None, **settings: str) -> subprocess.CompletedProcess:
    """Runs a command to its end."""
    directory.mkdir(parents=True, exist_ok=True)
    command = [PROGRAM, *arguments]
    if user:
        command = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", *command]
    return subprocess.run(
        command, cwd=directory, env=clean_environment(**settings), capture_output=True, text=True, timeout=PATIENCE
    )


def complaints(answer: subprocess.CompletedProcess) -> list[str]:
    """What a command says to a person who reads standard error, among the lines of its log."""
    return [line for line in answer.stderr.splitlines() if line.startswith("perch: ")]


@pytest.fixture
def sandbox(tmp_path):
    sandbox = Sandbox(tmp_path / "sandbox", "--empty")
    sandbox.control("PATCH", "/settings", {"rateLimit": None})
    yield sandbox
    sandbox.end()


class Installation:
    """A data directory with an operator key, and the services that run on it, one after the other."""

    def __init__(self, directory: pathlib.Path, sandbox: Sandbox):
        self.directory, self.sandbox, self.services = directory, sandbox, []
        issued = perch(
            "operators", "issue", "Tests", directory=directory, PERCH_DATA_DIRECTORY=str(directory / "data")
        )
        assert issued.returncode == 0, issued.stderr
        self.operator_key = issued.stdout.strip()

    def start(self, **settings: str) -> Service:
        service = Service(self.directory, self.sandbox, self.operator_key, **settings)
        self.services.append(service)
        return service

    def connected_partner(self, service: Service, name: str = "Northwind IT") -> tuple[dict, dict]:
        """A partner with everything mapped, and its organization's keys."""
        organization = self.sandbox.create_organization(name)
        partner = service.api("POST", "/partners", {"vendorReference": name.lower(), "name": name})
        job = service.api(
            "POST",
            f"/partners/{partner['id']}/connection",
            {"partnerKey": organization["partnerKey"], "fields": {"apiKey": self.sandbox.vendor_key}},
        )
        assert service.ended(job["id"])["state"] == "succeeded"
        self.sandbox.control("POST", f"/organizations/{organization['id']}/map", {"all": True})
        return partner, organization

    def end(self):
        for service in self.services:
            service.end()


@pytest.fixture
def installation(tmp_path, sandbox):
    installation = Installation(tmp_path / "service", sandbox)
    yield installation
    installation.end()


def stream_of_events(service: Service, path: str, cookie: str):
    """The events of a server-sent stream, each as it comes."""
    host = service.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=PATIENCE)
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    event, data = None, None
    for line in answer:
        line = line.decode().rstrip("\n")
        if line.startswith("event:"):
            event = line[6:].strip()
        elif line.startswith("data:"):
            data = json.loads(line[5:])
        elif not line and event:
            yield event, data
            event, data = None, None
    connection.close()
