"""Usage that is handed in: the page that tells how, followed literally, and the folder under a real program."""

import json
import os
import pathlib
import re
import socket
import subprocess

import pytest

from conftest import PATIENCE, PROGRAM, ROOT, Process, call, clean_environment, perch, until

PAGE = (ROOT / "docs/usage-files-and-push.md").read_text()


def blocks(kind: str) -> list[tuple[str, str]]:
    """Name and content of each fenced block of a kind."""
    return re.findall(rf"^```{kind} ?(\S*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def desk(tmp_path):
    """A directory with the page's files."""
    desk = tmp_path / "service"
    desk.mkdir()
    for kind in ("yaml", "csv", "json"):
        for name, text in blocks(kind):
            (desk / name).write_text(text)
    (desk / "folder").mkdir()
    return desk


def shell(desk: pathlib.Path, script: str, **variables: str) -> str:
    directory = desk / "bin"
    directory.mkdir(exist_ok=True)
    if not (directory / "perch").exists():
        (directory / "perch").symlink_to(PROGRAM)
    environment = {"PATH": f"{directory}:{os.environ['PATH']}", "HOME": "/nonexistent", **variables}
    answer = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=desk, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert answer.returncode == 0, (script, answer.stdout, answer.stderr)
    return answer.stdout


def counts(installation, organization) -> dict[str, float]:
    state = installation.sandbox.organization(organization["id"])
    return {count["accountId"]: count["unitCount"] for count in state["counts"]}


def test_the_page_leads_from_a_description_to_counts_by_all_three_ways(desk, installation):
    check, push, upload, folder = (text for _, text in blocks("sh"))
    shown = shell(desk, check)
    assert "sound. Acme Backup, 1 services, usage is handed in." in shown
    assert "3 accounts, 1 services, 2 counts" in shown and "Lumen Optics" in shown
    # One that uses nothing is an account all the same; and nobody was asked.
    assert "Harbor Dental" in shown and "requests" not in shown

    ((_, settings),) = blocks("ini")
    settings = dict(line.split("=", 1) for line in settings.splitlines())
    settings["PERCH_USAGE_FOLDER"] = str(desk / "folder")
    service = installation.start(**settings)
    partner = service.api("POST", "/partners", {"vendorReference": "northwind", "name": "Northwind IT"})
    organization = installation.sandbox.create_organization("Northwind IT")
    variables = {
        "PERCH": service.url, "PARTNER": partner["id"], "OPERATOR_KEY": service.operator_key,
        "USAGE_FOLDER": str(desk / "folder"),
    }

    pushed = shell(desk, push, **variables)
    assert json.loads(pushed)["startedRunId"] is None and json.loads(pushed)["accounts"] == 3
    job = service.api("POST", f"/partners/{partner['id']}/connection", {"partnerKey": organization["partnerKey"]})
    assert service.ended(job["id"])["state"] == "succeeded"
    installation.sandbox.control("POST", f"/organizations/{organization['id']}/map", {"all": True})
    assert shell(desk, push, **variables) == pushed

    uploaded = json.loads(shell(desk, upload, **variables))
    assert service.ended(uploaded["startedRunId"])["state"] == "succeeded"
    assert counts(installation, organization) == {"c-1": 12, "c-2": 7.5}

    (desk / "acme.csv").write_text((desk / "acme.csv").read_text().replace(";12", ";13"))
    shell(desk, folder, **variables)

    def synced():
        runs = service.api("GET", f"/partners/{partner['id']}/sync-runs")["items"]
        return runs[0] if len(runs) == 2 and runs[0]["state"] not in ("queued", "running") else None

    run = until("the sync of the new file", synced)
    assert (run["state"], run["startedBy"]) == ("succeeded", "New usage"), run["failure"]
    assert counts(installation, organization) == {"c-1": 13, "c-2": 7.5}
    assert sorted(path.name for path in (desk / "folder").iterdir()) == ["northwind.csv"]

    # What was handed in survives the process, and so does which of it was taken: without the file the older upload is not sent again.
    service.kill()
    kept = (desk / "folder/northwind.csv").rename(desk / "kept.csv")
    service = installation.start(**settings)

    def sync():
        return service.ended(service.api("POST", f"/partners/{partner['id']}/sync-runs")["id"])

    refused = sync()
    assert (refused["state"], refused["failure"]["code"]) == ("failed", "vendor.olderUsage")
    assert "took the file northwind.csv" in refused["failure"]["message"]
    assert counts(installation, organization) == {"c-1": 13, "c-2": 7.5}

    # Put back as it was, it is the same usage.
    kept.rename(desk / "folder/northwind.csv")
    put_back = until("the sync of the file put back", lambda: (lambda run: run if run["state"] == "succeeded" else None)(sync()))
    assert put_back["usage"]["countsFrom"] == run["usage"]["countsFrom"]
    (desk / "folder/northwind.csv").unlink()
    (desk / "acme.csv").write_text((desk / "acme.csv").read_text().replace(";13", ";12"))
    uploaded = json.loads(shell(desk, upload, **variables | {"PERCH": service.url}))
    assert service.ended(uploaded["startedRunId"])["state"] == "succeeded"
    assert counts(installation, organization) == {"c-1": 12, "c-2": 7.5}


def test_a_usage_file_is_tried_without_a_service(desk):
    found = json.loads(perch("connectors", "preview", "acme-backup.yaml", "--file", "acme.csv", "--json", directory=desk).stdout)
    assert [count["count"] for count in found["counts"]] == [12, 7.5] and found["requests"] == []
    (desk / "bad.csv").write_text((desk / "acme.csv").read_text() + "c-4;X;Acme Chairs;1\n")
    bad = perch("connectors", "preview", "acme-backup.yaml", "--file", "bad.csv", directory=desk)
    assert bad.returncode == 2 and "Line 5 names the service Acme Chairs" in bad.stderr
    missing = perch("connectors", "preview", "acme-backup.yaml", "--file", "none.csv", directory=desk)
    assert missing.returncode == 2 and "none.csv cannot be read" in missing.stderr
    nothing = perch("connectors", "preview", "acme-backup.yaml", directory=desk)
    assert nothing.returncode == 4 and "No usage of Acme Backup was handed in" in nothing.stderr
    other = perch("connectors", "preview", "saas-alerts", "--set", "apiKey=k", "--file", "acme.csv", directory=desk)
    assert other.returncode == 2 and "is asked for usage" in other.stderr


def test_a_usage_source_is_asked_for(desk):
    answers = ["Acme Backup", "", "csv", ";", "", "comma", "Customer No", "Customer", "Product", "Quantity", "Acme Protected Seats", "", "", "seats"]
    made = subprocess.run(
        [PROGRAM, "connectors", "new", "mine.yaml", "--kind", "usage"], cwd=desk, input="\n".join(answers) + "\n", env=clean_environment(),
        capture_output=True, text=True, timeout=PATIENCE,
    )
    assert made.returncode == 0, (made.stdout, made.stderr)
    assert "perch connectors preview mine.yaml --file" in made.stdout
    assert "3 accounts, 1 services, 2 counts" in perch("connectors", "preview", "mine.yaml", "--file", "acme.csv", directory=desk).stdout


def test_a_demo_with_usage_that_is_handed_in_says_what_the_page_calls_things(desk, tmp_path):
    demo = Process(
        ["demo", "--json", "--port", "0", "--sandbox-port", "0", "--data-directory", str(tmp_path / "data"), "--set",
         "PERCH_CONNECTOR=acme-backup.yaml"], desk, clean_environment(),
    )
    try:
        info = json.loads(demo.first_line)
        variables = {"PERCH": info["portal"], "PARTNER": info["partnerID"], "OPERATOR_KEY": info["operatorKey"]}
        _, push, upload, _ = (text for _, text in blocks("sh"))
        shell(desk, push, **variables)
        operator = {"Authorization": "Bearer " + info["operatorKey"]}
        partner = f"{info['portal']}/api/v1/partners/{info['partnerID']}"
        status, job = call("POST", partner + "/connection", {"partnerKey": info["partnerAPIKey"]}, operator)
        assert status == 202, job
        run = f"{info['portal']}/api/v1/sync-runs/{job['id']}"
        until("the connect job", lambda: call("GET", run, headers=operator)[1]["state"] == "succeeded")
        assert json.loads(shell(desk, upload, **variables))["startedRunId"]
    finally:
        demo.end()


def test_keys_are_made_elsewhere_while_the_service_runs(desk, installation):
    service = installation.start(PERCH_CONNECTOR="acme-backup.yaml")
    told = perch("operators", "issue", "Night job", directory=installation.directory, PERCH_DATA_DIRECTORY=str(installation.directory / "data"))
    assert told.returncode == 2 and "its console (Operators) and its API (/api/v1/operators)" in told.stderr, told.stderr
    made = service.api("POST", "/operators", {"name": "Night job", "role": "operator"})
    headers = {"Authorization": "Bearer " + made["key"]}
    assert call("GET", f"{service.url}/api/v1/partners", headers=headers)[0] == 200


def test_mistakes_in_a_description_are_told_by_line(desk):
    text = (desk / "acme-backup.yaml").read_text()
    (desk / "mine.yaml").write_text(text.replace("decimalMark: comma", "decimalMark: kommma").replace("category: backup", "category: backups"))
    answer = perch("connectors", "check", "mine.yaml", directory=desk)
    assert answer.returncode == 2
    lines = (desk / "mine.yaml").read_text().splitlines()
    told = [lines[int(problem.split(":")[1]) - 1] for problem in answer.stderr.splitlines()]
    assert any("kommma" in line for line in told) and any("backups" in line for line in told)
    started = perch("config", directory=desk, PERCH_CONNECTOR="./mine.yaml")
    assert started.returncode == 2 and "mine.yaml:" in started.stderr


def test_a_folder_that_nobody_would_look_into_stops_the_start(desk):
    for settings, says in [
        ({"PERCH_CONNECTOR": "acme-backup.yaml", "PERCH_USAGE_FOLDER": str(desk / "nowhere")}, "there is no folder"),
        ({"PERCH_CONNECTOR": "acme-backup.yaml", "PERCH_USAGE_FOLDER": str(desk / "acme.csv")}, "there is no folder"),
        ({"PERCH_USAGE_FOLDER": str(desk / "folder")}, "names no file of `kind: usage`"),
    ]:
        answer = perch("serve", directory=desk, PERCH_VENDOR_API_KEY="v", **settings)
        assert answer.returncode == 2 and says in answer.stderr, answer.stderr


def test_a_push_cut_off_in_the_middle_leaves_nothing(desk, installation):
    service = installation.start(PERCH_CONNECTOR="acme-backup.yaml", PERCH_BODY_TIMEOUT="1")
    partner = service.api("POST", "/partners", {"vendorReference": "northwind", "name": "Northwind IT"})
    host, port = service.url.removeprefix("http://").split(":")
    body = (desk / "usage.json").read_bytes()
    head = (
        f"PUT /api/v1/partners/{partner['id']}/usage HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {service.operator_key}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: k\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(head.encode() + body[:-20])
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    headers = {"Authorization": "Bearer " + service.operator_key}
    assert call("GET", f"{service.url}/api/v1/partners/{partner['id']}/usage", headers=headers)[0] == 404
    assert service.operator_key not in service.errors()
