"""The commands that Gradient's SDK users know, with their `.env`, and those that look after an installation."""

import pathlib
import signal

import pytest

from conftest import ROOT, Sandbox, call, complaints, perch

CUSTOMERS = [
    {"id": "c1", "name": "Brightwater Law", "billable": 5},
    {"id": "c2", "name": "Lumen Optics", "billable": 7},
    {"id": "c3", "name": "Nobody Ltd", "billable": 0},
    {"id": None, "name": "No id", "billable": 1},
]


class Shop:
    """One partner with its `.env`, as an MSP that builds a custom integration has it."""

    def __init__(self, directory: pathlib.Path, sandbox: Sandbox):
        self.directory, self.sandbox = directory, sandbox
        directory.mkdir()
        sandbox.control("PUT", "/saas-alerts", {"customers": CUSTOMERS})
        self.organization = sandbox.create_organization("Northwind IT")
        self.secrets = {
            "VENDOR_API_KEY": sandbox.vendor_key,
            "PARTNER_API_KEY": self.organization["partnerKey"],
            "API_KEY": sandbox.vendor_key,
        }
        self.write_environment()

    def write_environment(self, **changes: str):
        lines = [f"{name}={value}" for name, value in (self.secrets | changes).items()]
        lines += [
            f"API_URL={self.sandbox.url}/saas-alerts",
            f"PERCH_SYNTHESIZE_URL={self.sandbox.url}",
            "PERCH_ALLOW_PLAIN_HTTP=true",
            "PERCH_RETRY_ATTEMPTS=1",
        ]
        (self.directory / ".env").write_text("\n".join(lines) + "\n")

    def run(self, *arguments: str, **settings: str):
        answer = perch(*arguments, directory=self.directory, **settings)
        for secret in self.secrets.values():
            assert secret not in answer.stdout + answer.stderr, arguments
        return answer

    def in_synthesize(self) -> dict:
        return self.sandbox.organization(self.organization["id"])


@pytest.fixture
def shop(tmp_path, sandbox):
    return Shop(tmp_path / "shop", sandbox)


def test_the_five_commands_in_the_order_of_the_guide(shop):
    answer = shop.run("authenticate")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == "Synthesize: Northwind IT, status inactive\nVendor: 3 accounts\n"

    answer = shop.run("sync-accounts")
    assert answer.returncode == 0
    assert answer.stdout == "3 accounts: 3 created, 0 renamed\n"
    assert answer.stderr == "1 records had no id or no name and were left out.\n"
    assert [one["name"] for one in shop.in_synthesize()["accounts"]] == ["Brightwater Law", "Lumen Optics", "Nobody Ltd"]
    assert shop.run("sync-accounts").stdout == "3 accounts: 0 created, 0 renamed\n"

    answer = shop.run("sync-services")
    assert (answer.returncode, answer.stdout) == (0, "1 services: 1 created, 0 updated\n")
    assert shop.run("sync-services").stdout == "1 services: 0 created, 0 updated\n"

    answer = shop.run("update-status")
    assert (answer.returncode, answer.stdout) == (0, "Northwind IT: status pending\n")

    # Nothing is mapped yet, which is no error.
    answer = shop.run("sync-usage")
    assert (answer.returncode, complaints(answer)) == (0, [])
    assert answer.stdout == "0 accepted, 2 not mapped, 0 rejected, 0 failed, 1 excluded, 0 dropped to zero\n"

    shop.sandbox.control("POST", f"/organizations/{shop.organization['id']}/map", {"all": True})
    answer = shop.run("sync-usage")
    assert answer.returncode == 0
    assert answer.stdout == "2 accepted, 0 not mapped, 0 rejected, 0 failed, 1 excluded, 0 dropped to zero\n"
    assert {one["accountId"]: one["unitCount"] for one in shop.in_synthesize()["counts"]} == {"c1": 5, "c2": 7}

    # An active one stays active (U-1).
    assert shop.run("update-status").stdout == "Northwind IT: status active\n"
    answer = shop.run("clients")
    assert answer.returncode == 0
    names = sorted(line.split("\t")[1] for line in answer.stdout.splitlines())
    assert names == ["Brightwater Law", "Lumen Optics", "Nobody Ltd"]
    assert [line.split("\t")[1] for line in shop.run("clients", "--search", "Lumen").stdout.splitlines()] == ["Lumen Optics"]


def test_a_dry_run_shows_old_and_new_and_sends_nothing(shop):
    answer = shop.run("sync-usage", "--dry-run")
    assert (answer.returncode, complaints(answer)) == (0, [])
    service = "SaaS Alerts Billable Users"
    assert [line.split("\t") for line in answer.stdout.splitlines()[:-1]] == [
        ["c1", "Brightwater Law", service, "-", "5", "new"],
        ["c2", "Lumen Optics", service, "-", "7", "new"],
        ["c3", "Nobody Ltd", service, "-", "0", "excluded"],
    ]
    assert answer.stdout.splitlines()[-1] == (
        "2 new, 0 changed, 0 unchanged, 0 dropped, 1 excluded; 0 units accepted before, 12 now")
    assert shop.sandbox.state()["requests"]["total"] == 0

    assert shop.run("sync-usage").returncode == 0
    shop.sandbox.control("POST", f"/organizations/{shop.organization['id']}/map", {"all": True})
    assert shop.run("sync-usage").returncode == 0
    shop.sandbox.control("DELETE", "/requests")
    customers = [{"id": "c1", "name": "Bright\twater\n\x1b[31mLaw", "billable": 6}, {"id": "c3", "name": "Nobody Ltd", "billable": 0}]
    shop.sandbox.control("PUT", "/saas-alerts", {"customers": customers})
    answer = shop.run("sync-usage", "--dry-run")
    assert answer.returncode == 0, answer
    assert [line.split("\t")[1:] for line in answer.stdout.splitlines()[:-1]] == [
        ["Bright water [31mLaw", service, "5", "6", "changed"],
        ["Nobody Ltd", service, "-", "0", "excluded"],
        ["Lumen Optics", service, "7", "0", "dropped"],
    ]
    assert shop.sandbox.state()["requests"]["total"] == 0
    assert {one["accountId"]: one["unitCount"] for one in shop.in_synthesize()["counts"]} == {"c1": 5, "c2": 7}


def test_a_dry_run_says_when_the_run_would_be_held(shop):
    many = [{"id": f"c{number}", "name": f"Customer {number}", "billable": 9} for number in range(6)]
    shop.sandbox.control("PUT", "/saas-alerts", {"customers": many})
    assert shop.run("sync-usage").returncode == 0
    shop.sandbox.control("POST", f"/organizations/{shop.organization['id']}/map", {"all": True})
    assert shop.run("sync-usage").returncode == 0
    shop.sandbox.control("PUT", "/saas-alerts", {"customers": many[:1]})
    answer = shop.run("sync-usage", "--dry-run")
    assert answer.returncode == 7, answer
    held = complaints(shop.run("sync-usage"))
    assert len(held) == 1 and "fewer units" in held[0]
    assert complaints(answer) == [held[0].replace("perch: ", "perch: A sync would be held. ")]


COMMANDS = ["authenticate", "sync-accounts", "sync-services", "update-status", "sync-usage", "clients"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_refused_key_is_3(shop, command):
    shop.write_environment(PARTNER_API_KEY="canary-not-the-key")
    answer = shop.run(command)
    assert answer.returncode == 3, answer
    assert answer.stdout == ""
    assert "Synthesize did not accept this key" in answer.stderr
    assert "canary" not in answer.stderr
    assert shop.in_synthesize()["accounts"] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_synthesize_that_is_not_there_is_4(shop, command):
    shop.sandbox.signal(signal.SIGTERM)
    answer = shop.run(command)
    assert answer.returncode == 4, answer
    assert "could not be reached" in answer.stderr
    assert len(complaints(answer)) == 1, answer.stderr


@pytest.mark.parametrize("command", ["authenticate", "sync-accounts", "sync-usage", "sync-usage --dry-run"])
def test_a_vendor_that_refuses_or_fails(shop, command):
    shop.write_environment(API_KEY="canary-not-the-vendor-key")
    answer = shop.run(*command.split())
    assert answer.returncode in (3, 4), answer
    assert "SaaS Alerts did not accept the credentials" in answer.stderr and "canary" not in answer.stderr
    shop.write_environment()
    shop.sandbox.control("PUT", "/faults", [{"path": "*/customers", "status": 500, "times": -1}])
    answer = shop.run(*command.split())
    assert answer.returncode == 4, answer
    assert "SaaS Alerts answered 500" in answer.stderr
    assert shop.in_synthesize()["accounts"] == []


def test_a_refused_vendor_key_is_3_as_well(shop):
    shop.write_environment(API_KEY="canary-not-the-vendor-key")
    assert [shop.run(command).returncode for command in ("authenticate", "sync-accounts", "sync-usage")] == [3, 3, 3]


def test_counts_that_are_not_accepted_are_5(shop):
    assert shop.run("sync-usage").returncode == 0
    shop.sandbox.control("POST", f"/organizations/{shop.organization['id']}/map", {"all": True})
    shop.sandbox.control("PUT", "/faults", [{"method": "POST", "path": "*/count", "status": 422, "times": 1}])
    answer = shop.run("sync-usage")
    assert answer.returncode == 5, answer
    assert "1 of 2 counts did not arrive" in answer.stderr


@pytest.mark.parametrize("missing", ["VENDOR_API_KEY", "PARTNER_API_KEY", "API_KEY"])
def test_a_missing_key_is_named(shop, missing):
    shop.write_environment(**{missing: ""})
    for command in COMMANDS:
        answer = shop.run(command)
        assert answer.returncode == 2, answer
        assert missing in answer.stderr
    assert shop.sandbox.state()["requests"]["total"] == 0


def test_a_value_may_contain_equals_signs_quotes_and_hashes(shop):
    """The SDK's own reader splits at every `=` and mangles padded keys (lessons, story 8)."""
    assert "==" in shop.sandbox.vendor_key
    file = shop.directory / ".env"
    plain = file.read_text()
    key, partner = shop.sandbox.vendor_key, shop.organization["partnerKey"]
    for changed in [
        plain.replace(f"VENDOR_API_KEY={key}", f'VENDOR_API_KEY="{key}"'),
        plain.replace(f"VENDOR_API_KEY={key}", f"VENDOR_API_KEY='{key}'"),
        plain.replace(f"VENDOR_API_KEY={key}", f"  VENDOR_API_KEY = {key}  "),
        plain.replace(f"PARTNER_API_KEY={partner}", f"export PARTNER_API_KEY={partner}"),
        "# VENDOR_API_KEY=a-comment\n\n#\n" + plain + "\n# PARTNER_API_KEY=another\n",
        plain.replace("\n", "\r\n"),
        "\ufeff" + plain,
        plain.rstrip("\n"),
        "VENDOR_API_KEY=an-earlier-one\n" + plain,
    ]:
        file.write_text(changed)
        answer = shop.run("authenticate")
        assert answer.returncode == 0, (changed, answer.stderr)
    # The environment wins over the file.
    file.write_text(plain.replace(partner, "not-the-key"))
    assert shop.run("authenticate").returncode == 3
    assert shop.run("authenticate", PARTNER_API_KEY=partner).returncode == 0
    # A file elsewhere.
    file.rename(shop.directory / "keys.txt")
    (shop.directory / "keys.txt").write_text(plain)
    assert shop.run("authenticate", "--env-file", "keys.txt").returncode == 0


def test_a_secret_may_stand_in_a_file(shop):
    (shop.directory / "vendor-key").write_text(shop.sandbox.vendor_key + "\n")
    shop.write_environment(VENDOR_API_KEY="")
    assert shop.run("authenticate", PERCH_VENDOR_API_KEY_FILE="vendor-key").returncode == 0


def test_config_shows_everything_but_secrets(tmp_path):
    (tmp_path / ".env").write_text("PERCH_CALLS_PER_SECOND=50\nVENDOR_API_KEY=canary-vendor==\n")
    (tmp_path / "launch").write_text("canary-launch-secret-0123456789abcdef")
    answer = perch(
        "config", "--set", "PORT=9000", directory=tmp_path, PERCH_PORT="8000", PERCH_LOG_LEVEL="debug",
        PERCH_SECRET_KEY="canary-master", PERCH_LAUNCH_SECRETS_FILE="launch",
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    values = dict(line.split("=", 1) for line in answer.stdout.splitlines())
    assert values["PERCH_PORT"] == "9000"
    assert values["PERCH_LOG_LEVEL"] == "debug"
    assert values["PERCH_CALLS_PER_SECOND"] == "50"
    assert values["PERCH_SYNTHESIZE_URL"] == "https://app.usegradient.com"
    for secret in ("PERCH_VENDOR_API_KEY", "PERCH_SECRET_KEY", "PERCH_LAUNCH_SECRETS"):
        assert values[secret] == "***"
    assert "canary" not in answer.stdout


def test_the_documentation_has_the_settings_that_there_are(tmp_path):
    table = perch("config", "--table", directory=tmp_path)
    assert table.returncode == 0
    documented = (ROOT / "docs/settings.md").read_text()
    assert documented.endswith("\n" + table.stdout), "run `perch config --table` and put it into docs/settings.md"


def test_operator_keys_are_issued_listed_and_revoked(tmp_path, sandbox):
    settings = {"PERCH_DATA_DIRECTORY": str(tmp_path / "data")}
    issued = perch("operators", "issue", "Ada Lovelace", directory=tmp_path, **settings)
    assert issued.returncode == 0
    first = issued.stdout.strip()
    assert first.startswith("opk_") and len(first) > 40
    assert first not in issued.stderr
    viewer = perch("operators", "issue", "Viewer", "--role", "viewer", directory=tmp_path, **settings).stdout.strip()

    listed = perch("operators", "list", directory=tmp_path, **settings)
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    assert [row[1:] for row in rows] == [["admin", "active", "Ada Lovelace"], ["viewer", "active", "Viewer"]]
    assert first not in listed.stdout and viewer not in listed.stdout

    # The last admin key cannot lock everybody out.
    refused = perch("operators", "revoke", rows[0][0], directory=tmp_path, **settings)
    assert refused.returncode != 0 and "last admin key" in refused.stderr
    assert perch("operators", "revoke", rows[1][0], directory=tmp_path, **settings).returncode == 0
    rows = [line.split("\t") for line in perch("operators", "list", directory=tmp_path, **settings).stdout.splitlines()]
    assert [row[2] for row in rows] == ["active", "revoked"]
    assert perch("operators", "revoke", "opr_nobody", directory=tmp_path, **settings).returncode != 0
    assert perch("operators", "issue", "X", "--role", "king", directory=tmp_path, **settings).returncode == 64
    assert perch("operators", "issue", " ", directory=tmp_path, **settings).returncode == 2


def test_an_issued_key_opens_the_api_and_a_revoked_one_does_not(installation):
    data = {"PERCH_DATA_DIRECTORY": str(installation.directory / "data")}
    viewer = perch("operators", "issue", "V", "--role", "viewer", directory=installation.directory, **data).stdout.strip()
    service = installation.start()
    address = service.url + "/api/v1/partners"
    assert call("GET", address, headers={"Authorization": "Bearer " + viewer})[0] == 200
    assert call("POST", address, {"vendorReference": "x", "name": "X"}, {"Authorization": "Bearer " + viewer})[0] == 403
    identifier = next(one["id"] for one in service.api("GET", "/operators")["items"] if one["name"] == "V")
    service.api("DELETE", "/operators/" + identifier)
    assert call("GET", address, headers={"Authorization": "Bearer " + viewer})[0] == 401


def test_health_tells_whether_the_service_is_alive(installation):
    service = installation.start()
    port = service.url.rsplit(":", 1)[1]
    alive = perch("health", directory=installation.directory, PERCH_PORT=port)
    assert (alive.returncode, alive.stdout, alive.stderr) == (0, "", "")
    assert perch("health", "--url", service.url + "/healthz", directory=installation.directory).returncode == 0
    assert perch("health", "--url", service.url + "/nothing", directory=installation.directory).returncode != 0
    service.kill()
    dead = perch("health", directory=installation.directory, PERCH_PORT=port)
    assert dead.returncode != 0
    assert len(complaints(dead)) == 1, dead.stderr


def test_help_names_all_commands(tmp_path):
    answer = perch("--help", directory=tmp_path)
    assert answer.returncode == 0
    for command in COMMANDS + ["serve", "demo", "sandbox", "operators", "partners", "config", "health"]:
        assert command in answer.stdout
    assert perch("--version", directory=tmp_path).stdout.strip()
    assert perch("frobnicate", directory=tmp_path).returncode == 64
