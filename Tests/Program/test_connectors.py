"""The commands for those who write connector definitions."""

import json
import subprocess

import pytest

from conftest import PATIENCE, PROGRAM, ROOT, clean_environment, perch

BUILTIN = ROOT / "Sources/Connectors/Definitions/Builtin"


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


def test_the_built_in_definitions_are_listed_and_sound(shop):
    listed = perch("connectors", "list", directory=shop)
    assert (listed.returncode, listed.stderr) == (0, "")
    rows = json.loads(perch("connectors", "list", "--json", directory=shop).stdout)
    assert [row["id"] for row in rows] == sorted(path.stem for path in BUILTIN.glob("*.yaml"))
    for row in rows:
        assert row["id"] in listed.stdout
    checked = perch("connectors", "check", *[row["id"] for row in rows], directory=shop)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr
    assert checked.stdout.count(": sound.") == len(rows)


def test_mistakes_are_told_by_file_and_line(shop):
    text = (BUILTIN / "saas-alerts.yaml").read_text()
    broken = text.replace("category: security", "category: Security").replace("paging: none", "pagin: none", 1)
    (shop / "mine.yaml").write_text(broken)
    answer = perch("connectors", "check", "mine.yaml", directory=shop)
    assert answer.returncode == 2
    lines = answer.stderr.splitlines()
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)
    written = broken.splitlines()
    assert any("pagin: none" in written[number - 1] for number in numbers)
    assert any("category: Security" in written[number - 1] for number in numbers)
    assert all(line.startswith("mine.yaml:") for line in lines)
    assert "Did you mean `paging`?" in answer.stderr and "Did you mean `security`?" in answer.stderr
    # Nothing starts with it either.
    started = perch("config", directory=shop, PERCH_CONNECTOR="./mine.yaml")
    assert started.returncode == 2 and "mine.yaml:" in started.stderr


def test_an_unknown_connector_is_answered_with_the_nearest(shop):
    answer = perch("config", directory=shop, PERCH_CONNECTOR="ninja-one")
    assert answer.returncode == 2 and "Did you mean ninjaone?" in answer.stderr


def test_a_definitions_own_settings_are_settings_of_the_service(shop):
    shown = perch("config", directory=shop, PERCH_SAAS_ALERTS_KEY_HEADER="X-API-Key")
    assert "PERCH_SAAS_ALERTS_KEY_HEADER=X-API-Key" in shown.stdout
    other = perch("config", directory=shop, PERCH_CONNECTOR="ninjaone", PERCH_SAAS_ALERTS_KEY_HEADER="X-API-Key")
    assert other.returncode == 2 and "PERCH_SAAS_ALERTS_KEY_HEADER" in other.stderr


def preview(shop, sandbox, *arguments, **settings):
    return perch(
        "connectors", "preview", *arguments, directory=shop, PERCH_ALLOW_PLAIN_HTTP="true", PERCH_VENDOR_HOSTS="127.0.0.1",
        PERCH_RETRY_ATTEMPTS="2", **settings,
    )


def test_a_preview_shows_accounts_counts_and_requests_and_leaves_synthesize_alone(shop, sandbox):
    sandbox.control("PUT", "/saas-alerts", {"customers": [{"id": "c1", "name": "Brightwater Law", "billable": 5}]})
    before = sandbox.control("GET", "/state")
    arguments = ["saas-alerts", "--set", f"apiKey={sandbox.vendor_key}", "--set", f"apiURL={sandbox.url}/saas-alerts"]
    shown = preview(shop, sandbox, *arguments)
    assert (shown.returncode, shown.stderr) == (0, ""), shown.stderr
    assert "Brightwater Law" in shown.stdout and "SaaS Alerts Billable Users" in shown.stdout
    assert "/reportApi/api/v1/reports/users?customerId=c1" in shown.stdout
    answer = preview(shop, sandbox, *arguments, "--json")
    found = json.loads(answer.stdout)
    assert found["accounts"] == [{"id": "c1", "name": "Brightwater Law"}]
    assert found["counts"] == [{"accountId": "c1", "service": "SaaS Alerts Billable Users", "count": 5}]
    assert [request["status"] for request in found["requests"]] == [200, 200]
    assert sandbox.vendor_key not in shown.stdout + answer.stdout
    after = sandbox.control("GET", "/state")
    assert (after["organizations"], after["requests"]) == (before["organizations"], before["requests"])


def test_a_preview_with_the_settings_of_the_environment_and_a_token(shop, sandbox):
    sandbox.control(
        "PUT",
        "/ninjaone",
        {
            "credentials": {"clientId": "client-1", "clientSecret": "client-secret-1"},
            "customers": [
                {"id": 1, "name": "Brightwater Law", "counts": {"WINDOWS_WORKSTATION": 3, "WINDOWS_SERVER": 2, "WINDOWS_SERVER:offline": 4}}
            ],
        },
    )
    (shop / ".env").write_text(f"API_URL={sandbox.url}/ninjaone\nAPI_KEY=client-1\nAPI_SECRET_KEY=client-secret-1\n")
    answer = preview(shop, sandbox, "ninjaone", "--json")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    found = json.loads(answer.stdout)
    counts = {count["service"]: count["count"] for count in found["counts"]}
    assert counts == {
        "Total Devices": 5, "Total Servers": 2, "Total Workstations": 3, "Total Network Devices": 0, "Total Virtual Machines": 0,
    }
    assert found["requests"][0]["purpose"] == "token"
    assert "client-secret-1" not in answer.stdout


def test_a_preview_that_fails_says_why_and_what_was_asked(shop, sandbox):
    refused = preview(shop, sandbox, "saas-alerts", "--set", "apiKey=wrong", "--set", f"apiURL={sandbox.url}/saas-alerts")
    assert refused.returncode == 3
    assert "did not accept the credentials" in refused.stderr
    assert "/reportApi/api/v1/customers" in refused.stdout
    missing = preview(shop, sandbox, "saas-alerts")
    assert missing.returncode == 2 and "apiKey" in missing.stderr
    # A deployment's setting goes by its name too.
    other = preview(
        shop, sandbox, "saas-alerts", "--set", f"apiKey={sandbox.vendor_key}", "--set", f"apiURL={sandbox.url}/saas-alerts",
        "--set", "keyHeader=X-Other",
    )
    assert other.returncode == 3, other.stderr
    unknown = preview(shop, sandbox, "saas-alerts", "--set", "apiKee=x")
    assert unknown.returncode == 2 and "apiKee" in unknown.stderr
    elsewhere = preview(shop, sandbox, "ninjaone", "--set", "clientId=a", "--set", "clientSecret=b", "--set", "apiURL=https://ninja.example")
    assert elsewhere.returncode == 2 and "ninja.example" in elsewhere.stderr


def test_a_new_definition_is_sound_and_can_be_tried(shop, sandbox):
    sandbox.control("PUT", "/saas-alerts", {"customers": [{"id": "c1", "name": "Brightwater Law", "billable": 5, "nonBillable": 1}]})
    answers = [
        "My Vendor", "My Vendor", "", "the API's page", "http://vendor.example", "ask", "headr", "header", "api key", "api_key", "customers",
        "", "data", "", "", "", "",
        "/reports/users?customerId=${account.id}", "", "", "security", "email security", "monitored users",
    ]
    written = subprocess.run(
        [PROGRAM, "connectors", "new", "mine.yaml"], cwd=shop, input="\n".join(answers) + "\n", env=clean_environment(),
        capture_output=True, text=True, timeout=PATIENCE,
    )
    assert written.returncode == 0, written.stdout + written.stderr
    # What the checker would refuse is asked again at once.
    for told in ("Did you mean header?", "lower-case letters", "https address", "name of a header", "/v1/customers", "The path data"):
        assert told in written.stdout, written.stdout
    assert perch("connectors", "check", "mine.yaml", directory=shop).returncode == 0
    address = sandbox.url + "/saas-alerts/reportApi/api/v1"
    answer = preview(shop, sandbox, "mine.yaml", "--json", "--set", f"apiKey={sandbox.vendor_key}", "--set", f"apiURL={address}")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["counts"] == [{"accountId": "c1", "service": "My Vendor Users", "count": 6}]
    again = subprocess.run(
        [PROGRAM, "connectors", "new", "mine.yaml"], cwd=shop, input="", env=clean_environment(), capture_output=True, text=True,
        timeout=PATIENCE,
    )
    assert again.returncode == 1 and "is there already" in again.stderr


def test_the_guide_works_as_it_is_written(shop, sandbox):
    guide = (ROOT / "docs/new-connector.md").read_text()
    sandbox.control("PUT", "/saas-alerts", {"customers": [{"id": "c1", "name": "Brightwater Law", "billable": 5, "nonBillable": 2}]})
    settings = {"PERCH_ALLOW_PLAIN_HTTP": "true", "SANDBOX": sandbox.url, "KEY": sandbox.vendor_key}
    assert "export PERCH_ALLOW_PLAIN_HTTP=true" in guide

    rows = [line.split(" | ") for line in guide.splitlines() if line.startswith("| ") and " | " in line]
    answers = [row[1].removesuffix(" |") for row in rows[2:]]
    assert len(answers) == 17
    environment = clean_environment(**settings)

    def run(command: str, answers: str = "") -> str:
        words = command.replace("perch ", PROGRAM + " ", 1)
        done = subprocess.run(words, shell=True, cwd=shop, env=environment, input=answers, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    run("perch connectors new vendor.yaml", "\n".join(answers) + "\n")
    blocks = guide.split("```")[1::2]
    first, last = [block.removeprefix("sh\n").splitlines() for block in blocks if block.startswith("sh\n")]
    assert "sound" in run(first[0])
    shown = run(first[1])
    assert "Brightwater Law" in shown and "Example Users" in shown and " 7" in shown
    old, new = [block.removeprefix("yaml\n") for block in blocks if block.startswith("yaml\n")]
    written = (shop / "vendor.yaml").read_text()
    assert written.count(old) == 1
    (shop / "vendor.yaml").write_text(written.replace(old, new))
    assert json.loads(run(last[0]))["counts"] == [{"accountId": "c1", "service": "Example Users", "count": 5}]
