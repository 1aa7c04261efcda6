"""100,000 lines at 1,000 calls a second over 500 partners who are due at once; and what one run's memory grows with.

Usage: scale_bench.py PATH-TO-PERCH [BENCH...], all of them by default. Prints one line a figure. The sandbox and the service share the
machine: below two free cores the pace says more of the machine than of Perch.
"""

import os
import pathlib
import sys
import tempfile
import time

import bench

PARTNERS = int(os.environ.get("PARTNERS", "500"))
LINES_A_PARTNER = int(os.environ.get("LINES_A_PARTNER", "200"))
# As the nightly run that the figures are about: 40 accounts of five services each.
SERVICES = 5
LIMIT = int(os.environ.get("LIMIT", "1000"))
SIZES = [int(size) for size in os.environ.get("SIZES", "10000,100000").split(",")]


def peak_mb(process):
    """The highest resident memory since the start, or since `forget_peak`."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def forget_peak(process):
    # proc(5): 5 resets the peak to what is resident now.
    pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def settled(first, partner):
    """Whether the partner's connect job has ended."""
    return bench.call("GET", f"{first.api}/partners/{partner}/connection", key=first.key)["standing"] != "connecting"


def connect_partners(first):
    """All but the first partner, each with an organization of its own; the vendor has the same customers for each."""
    partners = {}
    for number in range(1, PARTNERS):
        organization = bench.call("POST", first.address + "/control/organizations", {"name": f"Organization {number}"})
        body = {"vendorReference": f"bench-{number}", "name": f"Partner {number}", "timeZone": "UTC"}
        partner = bench.call("POST", first.api + "/partners", body, first.key)["id"]
        keys = {"partnerKey": organization["partnerKey"], "fields": first.fields}
        bench.call("POST", f"{first.api}/partners/{partner}/connection", keys, first.key)
        partners[partner] = organization["id"]
    for partner, organization in partners.items():
        while not settled(first, partner):
            time.sleep(0.05)
        bench.call("POST", f"{first.address}/control/organizations/{organization}/map", {"all": True})
    return list(partners)


def sync(first, partners):
    """One run of each partner, all due at once."""
    runs = [bench.call("POST", f"{first.api}/partners/{partner}/sync-runs", {}, first.key)["id"] for partner in partners]
    for run in runs:
        while (ended := bench.call("GET", f"{first.api}/sync-runs/{run}", key=first.key))["state"] in ("queued", "running"):
            time.sleep(0.5)
        assert ended["state"] == "succeeded" and ended["tally"]["accepted"] == LINES_A_PARTNER, ended


def bench_partners():
    with tempfile.TemporaryDirectory() as directory:
        first = bench.SyncBench(directory, accounts=LINES_A_PARTNER // SERVICES, limit=0, parallel=64, services=SERVICES)
        begun = time.monotonic()
        partners = connect_partners(first) + [first.partner.split("/")[-1]]
        print(f"{len(partners)} partners connected and mapped in {time.monotonic() - begun:.0f} s", flush=True)
        # As on any night but the first: the integrations are active, and each count has one accepted before to be compared with.
        sync(first, partners)
        # Connecting was not at the limit; the runs are.
        bench.call("PATCH", first.address + "/control/settings", {"rateLimit": LIMIT})
        restart(first, LIMIT)
        bench.call("DELETE", first.address + "/control/requests")
        forget_peak(first.service)
        used = bench.cpu_seconds(first.service)
        begun = time.monotonic()
        sync(first, partners)
        print(f"all done after {time.monotonic() - begun:.1f} s", flush=True)
        peak, used = peak_mb(first.service), bench.cpu_seconds(first.service) - used
        requests = bench.call("GET", first.address + "/control/requests")["requests"]
        state = bench.call("GET", first.address + "/control/state")
        first.close()
    moments = sorted(bench.instant(count["at"]) for organization in state["organizations"] for count in organization["counts"])
    lines = PARTNERS * LINES_A_PARTNER
    assert len(moments) == lines, len(moments)
    took, calls = moments[-1] - moments[0], requests["total"]
    print(
        f"{lines:,} lines of {PARTNERS} partners at a limit of {LIMIT} a second: {took / (lines / LIMIT):.3f} of the floor from the first "
        f"to the last; {calls / lines:.3f} calls a line, so the limit alone allows {calls / lines:.3f}"
    )
    print(f"at most {requests['maxPerSecond']} calls in any second, {requests['byStatus'].get('429', 0)} times 429")
    print(f"peak resident memory {peak:.1f} MB; {used * 1000 / lines:.3f} CPU seconds for 1,000 lines, reading the vendor included")


def restart(first, limit):
    """The same service at another limit, and its memory fresh."""
    bench.stop(first.service)
    first.environment["PERCH_CALLS_PER_SECOND"] = str(limit)
    data = ["--data-directory", first.directory + "/data"]
    first.service = bench.start(["serve", "--port", "0"] + data, first.directory, first.environment)
    first.api = first.service.stdout.readline().decode().split("listens on ")[1].strip() + "/api/v1"
    first.partner = f"{first.api}/partners/{first.partner.split('/')[-1]}"


def bench_growth():
    """Peak memory while two runs read the vendor, plan and send, by their number of lines, in a process of its own."""
    peaks = []
    for lines in SIZES:
        with tempfile.TemporaryDirectory() as directory:
            first = bench.SyncBench(directory, accounts=lines // SERVICES, limit=0, parallel=64, services=SERVICES)
            restart(first, 0)
            idle = peak_mb(first.service)
            begun = time.monotonic()
            # The second has what Synthesize accepted before to compare with.
            for _ in range(2):
                run, stages = first.begin(), {}
                while run["state"] in ("queued", "running"):
                    time.sleep(0.1)
                    stages[run["stage"]] = peak_mb(first.service)
                    run = first.read(run)
                assert run["state"] == "succeeded", run
            peaks.append(peak_mb(first.service))
            ended = bench.resident_mb(first.service)
            first.close()
        told = ", ".join(f"{stage} {peak:.0f}" for stage, peak in stages.items())
        print(
            f"two runs of {lines:,} lines: peak {peaks[-1]:.1f} MB (idle {idle:.1f}, afterwards {ended:.1f}; in the second up to the end of {told}) "
            f"in {time.monotonic() - begun:.0f} s",
            flush=True,
        )
    print(f"{SIZES[-1]:,} lines against {SIZES[0]:,}: {peaks[-1] / peaks[0]:.2f} times the memory")


BENCHES = {"partners": bench_partners, "growth": bench_growth}

for name in sys.argv[2:] or BENCHES:
    BENCHES[name]()
