"""What the program writes while it works: nothing of it holds a key."""

import base64
import urllib.parse


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

    written = {"the log": service.errors().encode()}
    for file in (installation.directory / "data").iterdir():
        written[file.name] = file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0, f"{file.name} is open to others"
    assert (installation.directory / "data").stat().st_mode & 0o077 == 0
    assert b"GET" in written["the log"] and b"Northwind IT" in written["perch.sqlite-wal"] + written["perch.sqlite"]
    secrets = {
        "vendor key": sandbox.vendor_key, "partner key": organization["partnerKey"], "token": organization["token"],
        "launch secret": launch, "operator key": installation.operator_key, "launch link": link,
    }
    for name, secret in secrets.items():
        for place, text in written.items():
            for disguise in disguises(secret):
                assert disguise not in text, f"the {name} is in {place}"
