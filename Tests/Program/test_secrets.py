"""What the program writes while it works: nothing of it holds a key."""

import base64
import pathlib
import re
import signal
import urllib.parse

from conftest import perch, until


def disguises(secret: str) -> list[bytes]:
    """As it is, percent-encoded, and in Base64 at each of the three places that it can have in a longer text."""
    found = [secret.encode(), urllib.parse.quote(secret, safe="").encode()]
    for shift in range(3):
        encoded = base64.b64encode(b" " * shift + secret.encode())
        # The characters at both ends also depend on the neighbours.
        found.append(encoded[4 if shift else 0 :].rstrip(b"=")[:-1])
    return found


def test_no_key_is_in_the_log_or_the_data_directory(installation, sandbox):
    sandbox.customers(5)
    launch = "canary-launch-secret-0123456789abcdef"
    service = installation.start(PERCH_LOG_LEVEL="trace", PERCH_LAUNCH_SECRETS=launch)
    partner, organization = installation.connected_partner(service)
    run = service.api("POST", f"/partners/{partner['id']}/sync-runs")
    assert service.ended(run["id"])["state"] == "succeeded"
    link = service.api("POST", f"/partners/{partner['id']}/launch-link")["url"].split("=", 1)[1]
    sandbox.control("POST", f"/organizations/{organization['id']}/regenerate-key")
    run = service.api("POST", f"/partners/{partner['id']}/sync-runs")
    assert service.ended(run["id"])["failure"]["code"] == "synthesize.keyRefused"

    for arguments in (["database", "backup", "backup.sqlite"], ["doctor"], ["config"], ["keys", "rotate", "data"]):
        answer = perch(*arguments, directory=installation.directory, PERCH_DATA_DIRECTORY=str(installation.directory / "data"))
        service.log.write((answer.stdout + answer.stderr).encode())
    written = {"the log": service.errors().encode(), "the backup": (installation.directory / "backup.sqlite").read_bytes()}
    for file in (installation.directory / "data").iterdir():
        written[file.name] = file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0, f"{file.name} is open to others"
    assert (installation.directory / "data").stat().st_mode & 0o077 == 0
    assert b"GET" in written["the log"] and b"Northwind IT" in written["perch.sqlite-wal"] + written["perch.sqlite"]
    secrets = {
        "vendor key": sandbox.vendor_key, "partner key": organization["partnerKey"], "token": organization["token"],
        "launch secret": launch, "operator key": installation.operator_key, "launch link": link,
        "master key": (installation.directory / "data/secret.key").read_text().strip(),
    }
    del written["secret.key"]
    for name, secret in secrets.items():
        for place, text in written.items():
            for disguise in disguises(secret):
                assert disguise not in text, f"the {name} is in {place}"


def test_a_crash_prints_no_memory_and_leaves_none(installation, sandbox):
    """Swift's crash report shows the bytes that registers point at, and a core file everything: neither may be."""
    sandbox.customers(3)
    service = installation.start(PERCH_LOG_LEVEL="trace")
    installation.connected_partner(service)
    limits = pathlib.Path(f"/proc/{service.process.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits), limits
    # Sent by hand, the signal ends the process only when there is no crash report.
    service.process.send_signal(signal.SIGSEGV)
    until("the end of the crash report", lambda: service.process.poll() is not None or "Backtrace took" in service.errors())
    told = service.errors()
    # Neither a register nor a row of bytes.
    assert not re.search(r"^ *r(ax|ip|sp|8) 0x", told, re.M), told
    assert not re.search(r"(?:[0-9a-f]{2} ){8}", told), told
    assert not list(installation.directory.glob("core*")) + list((installation.directory / "data").glob("core*"))
