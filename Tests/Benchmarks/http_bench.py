"""Requests a second, latency, memory and CPU of Perch beside Hummingbird, each serving the same bytes with the same fields.

Two pages: a static file of 1 KB, and the partner page of a connected partner with some history. Hummingbird serves both from
memory, Perch the second from its store. wrk drives both in turn, A B A B: the figures are medians, the ratios those of each
pair, and only ratios within one run count: absolute figures vary with the machine.
"""

import argparse
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HUMMINGBIRD = ROOT / ".build-bench/release/hummingbird-page"
STATIC_BYTES = 1024
SYNCS = 5
# Written by each server itself.
OWN_FIELDS = {"date", "content-length", "connection", "keep-alive"}
PATIENCE = 60


class Failure(Exception):
    pass


class Server:
    """A running program, known by the first line that it prints, which ends with its port."""

    def __init__(self, command, directory, environment):
        self.process = subprocess.Popen(
            command, cwd=directory, env={"PATH": os.environ["PATH"], "TZ": "UTC", **environment}, stdout=subprocess.PIPE)
        self.first_line = self.process.stdout.readline().decode().strip()
        if not self.first_line:
            raise Failure(f"{command[0]} did not start: exit status {self.process.wait(timeout=PATIENCE)}")

    @property
    def port(self):
        return int(self.first_line.split(" ")[-1].rsplit(":", 1)[-1])

    def get(self, path, cookie=""):
        """Status, fields and body of one answer; a redirect is not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), body

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, name):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise Failure(f"/proc/{self.process.pid}/status has no {name}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def running(command, directory, environment=None):
    server = Server([str(part) for part in command], directory, environment or {})
    try:
        yield server
    finally:
        server.stop()


def call(method, url, body=None, key=None):
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body is not None else None)
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", "Bearer " + key)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        text = answer.read()
    return json.loads(text) if text else None


class Perch:
    """A data directory with a connected partner and its syncs, a signed-in browser's cookie, and a public file of 1 KB."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        shutil.copytree(ROOT / "Public", directory / "resources/Public")
        shutil.copytree(ROOT / "migrations", directory / "resources/migrations")
        page = "<!doctype html><title>1 KB</title><p>"
        (directory / "resources/Public/page.html").write_text(page + "x" * (STATIC_BYTES - len(page)))
        with running([program, "sandbox", "--json", "--port", "0"], directory) as sandbox:
            self.fill(json.loads(sandbox.first_line))

    def fill(self, sandbox):
        """By the calls that operators make; the sandbox is needed no longer."""
        self.environment = {
            "PERCH_RESOURCES": str(self.directory / "resources"),
            "PERCH_DATA_DIRECTORY": str(self.directory / "data"),
            "PERCH_PORT": "0",
            "PERCH_VENDOR_API_KEY": sandbox["vendorAPIKey"],
            "PERCH_SYNTHESIZE_URL": sandbox["sandbox"],
            "PERCH_SAAS_ALERTS_URL": sandbox["sandbox"] + "/saas-alerts",
            "PERCH_ALLOW_PLAIN_HTTP": "true",
            "PERCH_LOG_LEVEL": "error",
        }
        issued = subprocess.run(
            [self.program, "operators", "issue", "bench"], cwd=self.directory, env=self.environment, check=True,
            capture_output=True, text=True)
        key = issued.stdout.strip().splitlines()[-1]
        organization = call("GET", sandbox["sandbox"] + "/control/state")["organizations"][0]
        with self.serve() as service:
            api = f"http://127.0.0.1:{service.port}/api/v1"
            described = {"vendorReference": "bench", "name": "Northwind IT", "timeZone": "UTC"}
            partner = call("POST", api + "/partners", described, key)
            keys = {"partnerKey": organization["partnerKey"], "fields": {"apiKey": sandbox["saasAlertsAPIKey"]}}
            self.await_run(api, call("POST", f"{api}/partners/{partner['id']}/connection", keys, key), key)
            call("POST", f"{sandbox['sandbox']}/control/organizations/{organization['id']}/map", {"all": True})
            for _ in range(SYNCS):
                self.await_run(api, call("POST", f"{api}/partners/{partner['id']}/sync-runs", {}, key), key)
            link = call("POST", f"{api}/partners/{partner['id']}/launch-link", key=key)["url"]
            status, fields, _ = service.get("/launch" + link.split("/launch")[1])
            cookies = [value.split(";")[0] for name, value in fields if name.lower() == "set-cookie"]
            if status // 100 != 3 or len(cookies) != 1:
                raise Failure(f"the launch link was answered with {status} and {len(cookies)} cookies")
            self.cookie = cookies[0]

    @staticmethod
    def await_run(api, run, key):
        deadline = time.monotonic() + PATIENCE
        while run["state"] in ("queued", "running") and time.monotonic() < deadline:
            time.sleep(0.05)
            run = call("GET", f"{api}/sync-runs/{run['id']}", key=key)
        if run["state"] != "succeeded":
            raise Failure(f"a run before the measurement ended as {run['state']}")

    def serve(self):
        return running([self.program, "serve"], self.directory, self.environment)


@dataclasses.dataclass
class Load:
    """One run of wrk against one server. Latency in milliseconds, CPU in seconds per 100,000 requests."""

    requests_per_second: float
    p50: float
    p99: float
    cpu: float
    errors: int
    bytes_per_answer: float
    # Of how many cores wrk itself had need: near its number of threads, it and not the server is the limit.
    wrk_cores: float


def wrk(server, path, cookie, options, seconds):
    command = ["wrk", "-t", str(options.threads), "-c", str(options.connections), "-d", f"{seconds}s"]
    command += ["-s", str(HERE / "wrk-figures.lua"), f"http://127.0.0.1:{server.port}{path}"]
    if cookie:
        command[1:1] = ["-H", "Cookie: " + cookie]
    server_cpu, wrk_cpu = server.cpu_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        raise Failure(f"wrk ended with {answer.returncode}: {answer.stderr}{answer.stdout}")
    server_cpu, after = server.cpu_seconds() - server_cpu, resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = json.loads(answer.stdout.strip().splitlines()[-1])
    requests, elapsed = max(1, figures["requests"]), figures["microseconds"] / 1e6
    return Load(
        requests_per_second=figures["requests"] / elapsed, p50=figures["p50"] / 1000, p99=figures["p99"] / 1000,
        cpu=server_cpu / requests * 100_000, errors=figures["socketErrors"] + figures["statusErrors"],
        bytes_per_answer=figures["bytes"] / requests,
        wrk_cores=(after.ru_utime + after.ru_stime - wrk_cpu.ru_utime - wrk_cpu.ru_stime) / elapsed)


def measured_fields(fields):
    return sorted((name.lower(), value) for name, value in fields if name.lower() not in OWN_FIELDS)


def measure(title, path, perch, options, directory, cookie=""):
    """Starts both servers, sees that they answer alike, loads them in turn, and answers the figures."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(perch.serve())
        status, fields, body = ours.get(path, cookie)
        if status != 200:
            raise Failure(f"perch answered {path} with {status}")
        body_file, fields_file = directory / "body", directory / "fields"
        body_file.write_bytes(body)
        fields_file.write_text("".join(f"{name}: {value}\n" for name, value in fields if name.lower() not in OWN_FIELDS))
        command = [options.hummingbird, "0", path, body_file, fields_file]
        theirs = stack.enter_context(running(command, directory))

        def check_alike():
            expected = (200, measured_fields(fields), body)
            for name, server in (("perch", ours), ("hummingbird", theirs)):
                status, found, bytes_ = server.get(path, cookie)
                if (status, measured_fields(found), bytes_) != expected:
                    raise Failure(f"{name} does not answer {path} with the page as it was first seen")

        check_alike()
        for server in (ours, theirs):
            wrk(server, path, cookie, options, options.warm_up)
        pairs = [
            tuple(wrk(server, path, cookie, options, options.seconds) for server in (ours, theirs))
            for _ in range(options.pairs)
        ]
        check_alike()
        memory = [
            {"residentMB": server.memory_mb("VmRSS"), "peakMB": server.memory_mb("VmHWM")} for server in (ours, theirs)
        ]
    return summary(title, path, len(body), pairs, memory)


def summary(title, path, length, pairs, memory):
    answer = {"page": title, "path": path, "bodyBytes": length, "ratios": {}}
    for index, name in enumerate(("perch", "hummingbird")):
        loads = [pair[index] for pair in pairs]
        answer[name] = {
            field.name: statistics.median(getattr(load, field.name) for load in loads) for field in dataclasses.fields(Load)
        }
        answer[name]["errors"] = sum(load.errors for load in loads)
        # Far below 1 when a server gets slower with every request it has served.
        answer[name]["lastToFirst"] = loads[-1].requests_per_second / max(loads[0].requests_per_second, 1e-9)
        answer[name].update(memory[index])
        answer[name]["runs"] = [dataclasses.asdict(load) for load in loads]
    for name in ("requests_per_second", "p50", "p99", "cpu"):
        ratios = [getattr(a, name) / max(getattr(b, name), 1e-9) for a, b in pairs]
        answer["ratios"][name] = {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
    for name in ("residentMB", "peakMB"):
        answer["ratios"][name] = {"median": memory[0][name] / memory[1][name]}
    return answer


ROWS = [
    ("requests a second", "requests_per_second", ",.0f"),
    ("last run / first run", "lastToFirst", ".2f"),
    ("latency p50, ms", "p50", ".2f"),
    ("latency p99, ms", "p99", ".2f"),
    ("CPU s per 100,000 requests", "cpu", ".2f"),
    ("resident after, MB", "residentMB", ".1f"),
    ("resident peak, MB", "peakMB", ".1f"),
    ("errors", "errors", "d"),
    ("bytes an answer", "bytes_per_answer", ",.0f"),
    ("cores that wrk took", "wrk_cores", ".2f"),
]


def table(page, options):
    print(f"{page['page']}, {page['bodyBytes']:,} bytes")
    print(f"  {'':28}{'perch':>12}{'hummingbird':>14}   perch / hummingbird")
    for title, name, form in ROWS:
        line = f"  {title:28}{page['perch'][name]:>12{form}}{page['hummingbird'][name]:>14{form}}"
        if ratio := page["ratios"].get(name):
            line += f"   {ratio['median']:.2f}"
            if "least" in ratio:
                line += f" ({ratio['least']:.2f} to {ratio['most']:.2f})"
        print(line)
    print(flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("perch", type=pathlib.Path, help="the release build of perch")
    parser.add_argument("hummingbird", type=pathlib.Path, nargs="?", default=HUMMINGBIRD, help="default: %(default)s")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each run (default: %(default)s)")
    parser.add_argument("--warm-up", type=int, default=2, help="seconds before the runs (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=50, help="kept alive (default: %(default)s)")
    # A second thread would take its core from the server; the last row of the table shows when one is too few.
    parser.add_argument("--threads", type=int, default=1, help="of wrk (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON instead of the table")
    options = parser.parse_args()
    options.perch, options.hummingbird = options.perch.resolve(), options.hummingbird.resolve()
    return options


def main():
    options = parse_arguments()
    if not shutil.which("wrk"):
        raise Failure("wrk is missing; it is in Debian's package wrk")
    for program, how in (
        (options.perch, "swift build -c release --static-swift-stdlib --product perch"),
        (options.hummingbird, "swift build -c release --static-swift-stdlib --package-path Tests/Benchmarks/HummingbirdPage "
            "--scratch-path .build-bench"),
    ):
        if not os.access(program, os.X_OK):
            raise Failure(f"{program} is missing; make it with: {how}")
    # So that the servers are stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        perch = Perch(options.perch, directory)
        if not options.json:
            print(
                f"{options.pairs} pairs of {options.seconds} s in turn, {options.connections} connections kept alive, "
                f"wrk with {options.threads} threads; medians, ratios by pair (least to most).\n", flush=True)
        pages = []
        for title, path, cookie in (
            ("1 KB static page, both from memory", "/page.html", ""),
            ("partner page, rendered by perch at each request, a fixed body in hummingbird", "/", perch.cookie),
        ):
            pages.append(measure(title, path, perch, options, directory, cookie))
            if not options.json:
                table(pages[-1], options)
    if options.json:
        print(json.dumps({"options": vars(options), "pages": pages}, indent=2, default=str))
    errors = sum(page[name]["errors"] for page in pages for name in ("perch", "hummingbird"))
    if errors:
        raise Failure(f"{errors} requests failed; the figures do not count")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"http_bench: {failure}")
