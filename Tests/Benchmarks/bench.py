"""Start-up time, idle memory, and counts a second beside a plain libcurl program in C.

Usage: bench.py PATH-TO-PERCH [BENCH...], all of them by default. Prints one line a figure. Times on a shared machine vary: look at ratios and medians.
"""

import base64
import datetime
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

PROGRAM = os.path.abspath(sys.argv[1])
HERE = pathlib.Path(__file__).resolve().parent
STARTS = 11
ROUNDS = 5
# SaaS Alerts has one service, so a thousand counts are a thousand accounts; only the counts themselves are timed.
ACCOUNTS = 1000
CONCURRENCY = 16


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
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
            time.sleep(1)
            idle.append(resident_mb(process))
            stop(process)
    print(f"start to listening: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms of {STARTS} starts")
    print(f"resident when idle: median {statistics.median(idle):.1f} MB, worst {max(idle):.1f} MB")


class SyncBench:
    """A sandbox without a rate limit, and a service whose one partner has ACCOUNTS mapped accounts."""

    def __init__(self, directory):
        self.directory = directory
        self.sandbox_process = start(["sandbox", "--json", "--port", "0"], directory)
        self.sandbox = json.loads(self.sandbox_process.stdout.readline())
        self.address = self.sandbox["sandbox"]
        self.organization = call("GET", self.address + "/control/state")["organizations"][0]
        call("PATCH", self.address + "/control/settings", {"rateLimit": None})
        self.customers = [
            {"id": f"c{n:04}", "name": f"Customer {n}", "billable": 3, "nonBillable": 1} for n in range(ACCOUNTS)
        ]
        vendor = {"apiKey": self.sandbox["saasAlertsAPIKey"], "customers": self.customers}
        call("PUT", self.address + "/control/saas-alerts", vendor)
        environment = {
            "PERCH_VENDOR_API_KEY": self.sandbox["vendorAPIKey"],
            "PERCH_SYNTHESIZE_URL": self.address,
            "PERCH_SAAS_ALERTS_URL": self.address + "/saas-alerts",
            "PERCH_ALLOW_PLAIN_HTTP": "true",
            "PERCH_CALLS_PER_SECOND": "0",
            "PERCH_PARALLEL_COUNTS": str(CONCURRENCY),
            "PERCH_LOG_LEVEL": "error",
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
        keys = {"partnerKey": self.organization["partnerKey"], "fields": {"apiKey": self.sandbox["saasAlertsAPIKey"]}}
        call("POST", self.partner + "/connection", keys, self.key)
        while call("GET", self.partner + "/connection", key=self.key)["standing"] == "connecting":
            time.sleep(0.1)
        call("POST", f"{self.address}/control/organizations/{self.organization['id']}/map", {"all": True})

    def sync(self):
        """Counts a second between the first and the last count of a run, and the CPU seconds of the whole run."""
        before = cpu_seconds(self.service)
        run = call("POST", self.partner + "/sync-runs", {}, self.key)
        while run["state"] in ("queued", "running"):
            time.sleep(0.1)
            run = call("GET", f"{self.api}/sync-runs/{run['id']}", key=self.key)
        assert run["state"] == "succeeded", run
        counts = call("GET", self.address + "/control/state")["organizations"][0]["counts"]
        moments = sorted(instant(count["at"]) for count in counts)
        assert len(moments) == ACCOUNTS
        return ACCOUNTS / (moments[-1] - moments[0]), cpu_seconds(self.service) - before

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
        f"CPU seconds: perch {statistics.median(a[1] for a in ours):.2f} for the whole sync, vendor calls and ledger "
        f"included; plain libcurl {statistics.median(b[1] for b in theirs):.2f} for the counts alone"
    )



BENCHES = {"serve": bench_serve, "sync": bench_sync}

for name in sys.argv[2:] or BENCHES:
    BENCHES[name]()
