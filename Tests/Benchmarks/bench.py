"""Start-up time, idle memory; counts a second beside a plain libcurl program in C, at the speed limit, and with viewers; a vendor's calls.

Usage: bench.py PATH-TO-PERCH [BENCH...], all of them by default. Prints one line a figure. Times on a shared machine vary: look at ratios and medians.
"""

import base64
import datetime
import http.server
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

PROGRAM = os.path.abspath(sys.argv[1])
HERE = pathlib.Path(__file__).resolve().parent
STARTS = 11
ROUNDS = 5
# SaaS Alerts has one service, so as many accounts as counts; only the counts themselves are timed.
ACCOUNTS = 5000
# The default of PERCH_PARALLEL_COUNTS.
CONCURRENCY = 64
VIEWERS = 200
# A vendor with a call a customer: as many customers, calls at once (the default), and milliseconds an answer takes.
CUSTOMERS, CALLS_AT_ONCE, LATENCY_MS = 200, 8, 50


def start(arguments, directory, environment=None):
    return subprocess.Popen(
        [PROGRAM] + arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=directory,
        env={**os.environ, **(environment or {})},
    )


def stop(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    process.stdout.close()


def resident_mb(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024


def cpu_seconds(process):
    """To the nanosecond; what ended threads used is left out."""
    tasks = pathlib.Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def call(method, url, body=None, key=None):
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body is not None else None)
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", "Bearer " + key)
    with urllib.request.urlopen(request, timeout=120) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def bench_serve():
    times, idle = [], []
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(STARTS):
            begun = time.monotonic()
            process = start(
                ["serve", "--port", "0", "--data-directory", directory + "/data"],
                directory,
                {"PERCH_VENDOR_API_KEY": "bench", "PERCH_LOG_LEVEL": "error"},
            )
            line = process.stdout.readline().decode()
            times.append((time.monotonic() - begun) * 1000)
            assert "listens on" in line, line
            # A second after its start the service gives back what only the start needed.
            time.sleep(2.5)
            idle.append(resident_mb(process))
            stop(process)
    print(f"start to listening: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms of {STARTS} starts")
    print(f"resident when idle: median {statistics.median(idle):.1f} MB, worst {max(idle):.1f} MB")


class SyncBench:
    """A sandbox, and a service whose one partner has mapped accounts. A limit of 0 is none.

    The vendor counts one service an account (SaaS Alerts, a request for each account), or five of them (NinjaOne, a list of devices).
    """

    def __init__(self, directory, accounts=ACCOUNTS, limit=0, parallel=CONCURRENCY, services=1):
        self.directory = directory
        self.lines = accounts * services
        self.sandbox_process = start(["sandbox", "--json", "--port", "0"], directory)
        self.sandbox = json.loads(self.sandbox_process.stdout.readline())
        self.address = self.sandbox["sandbox"]
        self.organization = call("GET", self.address + "/control/state")["organizations"][0]
        call("PATCH", self.address + "/control/settings", {"rateLimit": limit or None})
        self.environment = environment = {
            "PERCH_VENDOR_API_KEY": self.sandbox["vendorAPIKey"],
            "PERCH_SYNTHESIZE_URL": self.address,
            "PERCH_ALLOW_PLAIN_HTTP": "true",
            "PERCH_CALLS_PER_SECOND": str(limit),
            "PERCH_PARALLEL_COUNTS": str(parallel),
            "PERCH_LOG_LEVEL": "error",
            **(self.five_services(accounts) if services == 5 else self.one_service(accounts)),
        }
        data = ["--data-directory", directory + "/data"]
        issued = subprocess.run(
            [PROGRAM, "operators", "issue", "bench"] + data,
            check=True, capture_output=True, text=True, cwd=directory, env={**os.environ, **environment},
        )
        self.key = issued.stdout.strip().splitlines()[-1]
        self.service = start(["serve", "--port", "0"] + data, directory, environment)
        self.api = self.service.stdout.readline().decode().split("listens on ")[1].strip() + "/api/v1"
        partner = call("POST", self.api + "/partners", {"vendorReference": "bench", "name": "Bench", "timeZone": "UTC"}, self.key)
        self.partner = f"{self.api}/partners/{partner['id']}"
        call("POST", self.partner + "/connection", {"partnerKey": self.organization["partnerKey"], "fields": self.fields}, self.key)
        while call("GET", self.partner + "/connection", key=self.key)["standing"] == "connecting":
            time.sleep(0.1)
        call("POST", f"{self.address}/control/organizations/{self.organization['id']}/map", {"all": True})

    def one_service(self, accounts):
        key = self.fields = {"apiKey": self.sandbox["saasAlertsAPIKey"]}
        self.customers = [{"id": f"c{n:04}", "name": f"Customer {n}", "billable": 3, "nonBillable": 1} for n in range(accounts)]
        call("PUT", self.address + "/control/saas-alerts", {**key, "customers": self.customers})
        return {"PERCH_SAAS_ALERTS_URL": self.address + "/saas-alerts"}

    def five_services(self, accounts):
        """A device of each of four classes an account; the fifth service is their sum."""
        counts = {name: 1 for name in ("WINDOWS_WORKSTATION", "WINDOWS_SERVER", "VMWARE_VM_GUEST", "NMS_SWITCH")}
        customers = [{"id": n + 1, "name": f"Customer {n}", "counts": counts} for n in range(accounts)]
        credentials = {"clientId": "bench", "clientSecret": "bench-secret"}
        self.fields = {"apiURL": self.address + "/ninjaone", **credentials}
        call("PUT", self.address + "/control/ninjaone", {"credentials": credentials, "customers": customers})
        return {"PERCH_CONNECTOR": "ninjaone", "PERCH_VENDOR_HOSTS": "127.0.0.1"}

    def begin(self):
        return call("POST", self.partner + "/sync-runs", {}, self.key)

    def read(self, run):
        return call("GET", f"{self.api}/sync-runs/{run['id']}", key=self.key)

    def arrivals(self):
        """When each count of the last run arrived, in seconds."""
        counts = call("GET", self.address + "/control/state")["organizations"][0]["counts"]
        assert len(counts) == self.lines
        return sorted(instant(count["at"]) for count in counts)

    def sync(self, on_start=lambda run: None):
        """Counts a second between the first and the last count of a run, and the CPU seconds of its counts."""
        run = self.begin()
        on_start(run)
        before = None
        while run["state"] in ("queued", "running"):
            time.sleep(0.01 if before is None else 0.05)
            if before is None and run["stage"] == "usage":
                before = cpu_seconds(self.service)
            run = self.read(run)
        used = cpu_seconds(self.service) - before if before is not None else float("nan")
        assert run["state"] == "succeeded", run
        moments = self.arrivals()
        return self.lines / (moments[-1] - moments[0]), used

    def visitor(self):
        """The Cookie field of somebody who entered the partner's page."""
        link = call("POST", self.partner + "/launch-link", {}, self.key)["url"]
        opener = urllib.request.build_opener(NoRedirect)
        try:
            answer = opener.open(self.api.removesuffix("/api/v1") + "/launch?" + link.split("?")[1], timeout=60)
        except urllib.error.HTTPError as redirect:
            answer = redirect
        return "; ".join(field.split(";")[0] for field in answer.headers.get_all("Set-Cookie"))

    def write_requests(self):
        """The same counts for the program in C: a path and a body a line."""
        service = call("GET", self.address + "/control/state")["vendor"]["services"][0]["id"]
        path = self.directory + "/requests.txt"
        with open(path, "w") as file:
            for customer in self.customers:
                body = json.dumps({"accountId": customer["id"], "unitCount": 3})
                file.write(f"/api/vendor-api/service/{service}/count\t{body}\n")
        return path

    def token(self):
        pair = f"{self.sandbox['vendorAPIKey']}:{self.organization['partnerKey']}"
        return base64.b64encode(pair.encode()).decode()

    def close(self):
        stop(self.service)
        stop(self.sandbox_process)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


class Viewers:
    """A process of its own that opens event streams of one run and reads them to their end."""

    PROGRAM = """
import selectors, socket, sys
host, port, path, cookie, count = sys.argv[1:]
selector, events, open_ones = selectors.DefaultSelector(), 0, int(count)
for _ in range(open_ones):
    stream = socket.create_connection((host, int(port)))
    stream.sendall(f"GET {path} HTTP/1.1\\r\\nHost: {host}:{port}\\r\\nCookie: {cookie}\\r\\n\\r\\n".encode())
    selector.register(stream, selectors.EVENT_READ)
while open_ones:
    for key, _ in selector.select(60):
        data = key.fileobj.recv(65536)
        events += data.count(b"event: progress")
        if not data or b"event: end" in data:
            selector.unregister(key.fileobj)
            key.fileobj.close()
            open_ones -= 1
print(events)
"""

    def __init__(self, bench, run, count, cookie):
        address = urllib.parse.urlsplit(bench.api)
        arguments = [address.hostname, str(address.port), f"/runs/{run['id']}/events", cookie, str(count)]
        self.process = subprocess.Popen([sys.executable, "-c", self.PROGRAM] + arguments, stdout=subprocess.PIPE)

    def events(self):
        return int(self.process.communicate(timeout=120)[0])


def bench_viewers():
    """200 people watch one run whose speed nothing limits but the machine."""
    with tempfile.TemporaryDirectory() as directory:
        bench = SyncBench(directory, accounts=4000)
        cookie = bench.visitor()
        ratios, seen = [], 0
        for _ in range(ROUNDS):
            alone, _ = bench.sync()
            watchers = []
            watched, _ = bench.sync(lambda run: watchers.append(Viewers(bench, run, VIEWERS, cookie)))
            seen += watchers[0].events()
            ratios.append(watched / alone)
        bench.close()
    print(
        f"counts a second with {VIEWERS} viewers over without: median {statistics.median(ratios):.3f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}); {seen} events"
    )


def bench_pace():
    """A minute at the speed limit: each answer by itself takes 20 to 400 ms, then all together, changing ten times a second."""
    for name, changes in (("each by itself", False), ("all together, changing ten times a second", True)):
        pace(name, changes)


def pace(name, changes):
    limit, seconds = 100, 60
    with tempfile.TemporaryDirectory() as directory:
        bench = SyncBench(directory, accounts=limit * (seconds + 4), limit=limit, parallel=64)
        run, stop_changing = bench.begin(), threading.Event()

        def change_latency():
            if not changes:
                call("PATCH", bench.address + "/control/settings", {"latencyMs": 20, "latencySpreadMs": 380})
                return
            while not stop_changing.wait(0.1):
                call("PATCH", bench.address + "/control/settings", {"latencyMs": random.randint(20, 400)})

        changing = threading.Thread(target=change_latency)
        while run["stage"] != "usage":
            time.sleep(0.05)
            run = bench.read(run)
        changing.start()
        while run["state"] in ("queued", "running"):
            time.sleep(0.5)
            run = bench.read(run)
        stop_changing.set()
        changing.join()
        assert run["state"] == "succeeded", run
        moments = bench.arrivals()
        requests = call("GET", bench.address + "/control/state")["requests"]
        bench.close()
    inside = sum(moment < moments[0] + seconds for moment in moments)
    print(
        f"limit of {limit} a second, latencies of 20 to 400 ms, {name}: {inside / limit / seconds:.3f} of it for {seconds} s, at most "
        f"{requests['maxPerSecond']} in any second, {requests['byStatus'].get('429', 0)} times 429"
    )


def bench_sync():
    with tempfile.TemporaryDirectory() as directory:
        baseline = directory + "/libcurl-baseline"
        subprocess.run(["cc", "-O2", "-o", baseline, str(HERE / "libcurl-baseline.c"), "-lcurl"], check=True)
        bench = SyncBench(directory)
        requests, token = bench.write_requests(), bench.token()
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(bench.sync())
            answer = subprocess.run(
                [baseline, bench.address, requests, str(CONCURRENCY), token], check=True, capture_output=True, text=True
            )
            figures = json.loads(answer.stdout)
            theirs.append((figures["requests"] / figures["seconds"], figures["cpuSeconds"]))
        bench.close()
    ratios = [a[0] / b[0] for a, b in zip(ours, theirs)]
    print(f"counts a second, perch: median {statistics.median(a[0] for a in ours):.0f} of {ROUNDS} rounds of {ACCOUNTS}")
    print(f"counts a second, plain libcurl in C: median {statistics.median(b[0] for b in theirs):.0f}")
    print(f"ratio: median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(
        f"CPU seconds for 1,000 counts: perch {statistics.median(a[1] for a in ours) * 1000 / ACCOUNTS:.3f}, ledger included; "
        f"plain libcurl {statistics.median(b[1] for b in theirs) * 1000 / ACCOUNTS:.3f}"
    )


def bench_connectors():
    """200 customers with a call each: how long beside the time that the vendor alone takes, and never faster than a definition says."""
    with tempfile.TemporaryDirectory() as directory:
        process = start(["sandbox", "--json", "--port", "0"], directory)
        sandbox = json.loads(process.stdout.readline())
        address = sandbox["sandbox"]
        key = sandbox["saasAlertsAPIKey"]
        call("PATCH", address + "/control/settings", {"latencyMs": LATENCY_MS})

        def fetch(connector, count):
            """Seconds of a whole `connectors preview`, and what it found."""
            customers = [{"id": f"c{n}", "name": f"Customer {n}", "billable": 3} for n in range(count)]
            call("PUT", address + "/control/saas-alerts", {"apiKey": key, "customers": customers})
            begun = time.monotonic()
            done = subprocess.run(
                [PROGRAM, "connectors", "preview", connector, "--json", "--set", f"apiKey={key}", "--set", f"apiURL={address}/saas-alerts"],
                check=True, capture_output=True, text=True, cwd=directory,
                env={**os.environ, "PERCH_ALLOW_PLAIN_HTTP": "true", "PERCH_VENDOR_HOSTS": "127.0.0.1"},
            )
            seconds = time.monotonic() - begun
            assert len(json.loads(done.stdout)["counts"]) == count
            return seconds

        ideal = CUSTOMERS / CALLS_AT_ONCE * LATENCY_MS / 1000
        fetch("saas-alerts", 1)
        ratios = []
        for _ in range(ROUNDS):
            # The same with one customer is the start of the program, the list of customers, and one of the calls.
            alone = fetch("saas-alerts", 1) - LATENCY_MS / 1000
            ratios.append((fetch("saas-alerts", CUSTOMERS) - alone) / ideal)
        print(
            f"{CUSTOMERS} customers, a call of {LATENCY_MS} ms each, {CALLS_AT_ONCE} at once: median {statistics.median(ratios):.2f} times "
            f"the vendor's own {ideal:.2f} s ({min(ratios):.2f} to {max(ratios):.2f})"
        )

        builtin = HERE.parent.parent / "Sources/Connectors/Definitions/Builtin/saas-alerts.yaml"
        text = builtin.read_text()
        for limit in (20, 100):
            paced = pathlib.Path(directory) / "paced.yaml"
            paced.write_text(text.replace("\nrequests:\n", f"\nrequests:\n  perSecond: {limit}\n  parallel: 64\n", 1))
            call("DELETE", address + "/control/requests")
            seconds = fetch("./paced.yaml", CUSTOMERS)
            most = call("GET", address + "/control/state")["vendorRequests"]["saas-alerts"]["maxPerSecond"]
            print(f"a limit of {limit} requests a second: at most {most} in any second, {(CUSTOMERS + 1) / seconds:.1f} on average")
            assert most <= limit
        stop(process)


LARGE_ANSWER = """
format: 1
id: large
name: Large
about: {sources: [made up], unverified: []}
settings:
  partner:
    apiURL: {kind: url, label: API URL, help: The address.}
    apiKey: {kind: secret, label: API key, help: The key.}
hosts: ["${apiURL}"]
requests: {base: "${apiURL}", largest: 256}
auth:
  headers: {X-Key: "${apiKey}"}
reads:
  customers: {get: /customers, records: $.data, paging: none}
  seats: {get: /seats, records: $.data, paging: none}
accounts: {from: customers, id: $.id, name: $.name}
bases:
  seats: {version: 1, counts: Seats.}
services:
  - {name: Seats, description: Seats, category: other, subcategory: other, basis: seats}
counts:
  - {service: Seats, from: seats, account: $.customer}
"""


def bench_large_answer():
    """One answer with a million records over the network: seconds and peak memory of a whole `connectors preview`."""
    records = 1_000_000
    customers = json.dumps({"data": [{"id": f"c{n:04}", "name": f"Customer {n}"} for n in range(1000)]}).encode()
    seats = ",".join(
        f'{{"id":"seat-{n:07}","customer":"c{n % 1000:04}","name":"Seat number {n}","email":"user{n}@example.com","active":true}}'
        for n in range(records)
    )
    answers = {"/customers": customers, "/seats": b'{"data":[' + seats.encode() + b"]}"}

    class Vendor(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answers[self.path])))
            self.end_headers()
            self.wfile.write(answers[self.path])

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as directory:
        definition = pathlib.Path(directory) / "large.yaml"
        definition.write_text(LARGE_ANSWER)
        begun = time.monotonic()
        output = open(directory + "/preview.json", "w")
        preview = subprocess.Popen(
            [PROGRAM, "connectors", "preview", str(definition), "--json", "--set", "apiKey=bench",
             "--set", f"apiURL=http://127.0.0.1:{server.server_port}"],
            stdout=output, cwd=directory, env={**os.environ, "PERCH_ALLOW_PLAIN_HTTP": "true", "PERCH_VENDOR_HOSTS": "127.0.0.1"},
        )
        # Not ru_maxrss, in which this program's own memory before exec would count.
        peak = 0
        while preview.poll() is None:
            lines = pathlib.Path(f"/proc/{preview.pid}/status").read_text().split("VmHWM:")
            peak = int(lines[1].split()[0]) / 1024 if len(lines) > 1 else peak
            time.sleep(0.02)
        seconds = time.monotonic() - begun
        assert preview.returncode == 0, preview.returncode
        counts = json.loads(pathlib.Path(output.name).read_text())["counts"]
        assert sum(int(count["count"]) for count in counts) == records
    server.shutdown()
    print(
        f"{records:,} records in one answer of {len(answers['/seats']) / 1e6:.0f} MB: {seconds:.1f} s, "
        f"peak resident memory {peak:.0f} MB"
    )


BENCHES = {
    "serve": bench_serve, "sync": bench_sync, "viewers": bench_viewers, "pace": bench_pace, "connectors": bench_connectors,
    "large-answer": bench_large_answer,
}

if __name__ == "__main__":
    for name in sys.argv[2:] or BENCHES:
        BENCHES[name]()
