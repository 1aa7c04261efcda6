"""`perch demo`: up in a moment, complete, and gone without a trace of trouble."""

import json
import signal
import urllib.request

import pytest

from conftest import Process, Sandbox, call, clean_environment, until

# Design section 8.
KEYS = {"portal", "console", "sandbox", "launchURL", "partnerAPIKey", "vendorAPIKey", "operatorKey", "dataDirectory"}


@pytest.fixture
def start(tmp_path):
    running = []

    def start(*arguments: str) -> tuple[Process, dict]:
        demo = Process(
            ["demo", "--json", "--port", "0", "--sandbox-port", "0", "--data-directory", str(tmp_path / "data"), *arguments],
            tmp_path, clean_environment(),
        )
        running.append(demo)
        return demo, json.loads(demo.first_line)

    yield start
    for demo in running:
        demo.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_is_ready_at_once_and_stops_cleanly(start, number):
    demo, info = start()
    assert set(info) == KEYS
    assert demo.seconds_to_start < 10
    for address in (info["portal"] + "/healthz", info["portal"] + "/readyz", info["sandbox"] + "/", info["console"]):
        with urllib.request.urlopen(address) as answer:
            assert answer.status == 200
    assert demo.signal(number) == 0, demo.errors()
    assert demo.errors() == ""


def test_what_a_demo_prints_works(start):
    demo, info = start()
    operator = {"Authorization": "Bearer " + info["operatorKey"]}
    status, answer = call("GET", info["portal"] + "/api/v1/partners", headers=operator)
    assert status == 200
    partner = answer["items"][0]
    status, job = call(
        "POST", f"{info['portal']}/api/v1/partners/{partner['id']}/connection", {"partnerKey": info["partnerAPIKey"]}, operator
    )
    assert status == 202, job
    run = f"{info['portal']}/api/v1/sync-runs/{job['id']}"
    until("the connect job", lambda: call("GET", run, headers=operator)[1]["state"] == "succeeded")
    organization = call("GET", info["sandbox"] + "/control/state")[1]["organizations"][0]
    assert organization["status"] == "pending"
    assert len(organization["accounts"]) == 8
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(info["launchURL"]) as page:
        assert b"Northwind Managed IT" in page.read()
    assert demo.signal(signal.SIGTERM) == 0


def test_a_demo_without_json_tells_a_person_where_to_go(tmp_path):
    demo = Process(["demo", "--port", "0", "--sandbox-port", "0"], tmp_path, clean_environment(TMPDIR=str(tmp_path)), first="Perch")
    text = demo.first_line + "\n"
    while "Ctrl-C stops it." not in text:
        line = demo.process.stdout.readline().decode()
        assert line, demo.errors()
        text += line
    for words in ("/launch?token=", "Partner API key", "/console", "opk_", "perch-demo-"):
        assert words in text
    assert demo.signal(signal.SIGINT) == 0, demo.errors()
    demo.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_with_the_first_line_is_heard(installation, tmp_path, number):
    """A supervisor may stop a program as soon as it says that it is up."""
    for _ in range(3):
        service = installation.start()
        assert service.signal(number) == 0, service.errors()
        sandbox = Sandbox(tmp_path / "another")
        assert sandbox.signal(number) == 0, sandbox.errors()
        sandbox.end()
