"""Starts the real program and a real browser. Each test gets a demo of its own, so that none depends on another."""

import json
import os
import pathlib
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("TESTED_PROGRAM", str(ROOT / ".build/debug/perch"))
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# Generous, because a busy machine is slow; nothing waits this long when all is well.
PATIENCE_MS = 30_000


class Demo:
    """`perch demo` on free ports, its addresses and keys, and its sandbox's control API."""

    def __init__(self, data_directory: pathlib.Path, arguments: tuple[str, ...] = ()):
        self.log = open(data_directory.parent / "demo.log", "wb+")
        self.process = subprocess.Popen(
            [PROGRAM, "demo", "--json", "--port", "0", "--sandbox-port", "0", "--data-directory", str(data_directory)]
            + list(arguments),
            stdout=subprocess.PIPE,
            stderr=self.log,
            cwd=data_directory.parent,
        )
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise RuntimeError("the demo did not start: " + self.log.read().decode())
        self.info = json.loads(line)

    def __getattr__(self, name: str) -> str:
        return self.info[name]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()
        return status

    def request(self, method: str, url: str, body=None, headers=None) -> tuple[int, object]:
        request = urllib.request.Request(url, method=method, headers=headers or {})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text else None

    def control(self, method: str, path: str, body=None):
        status, answer = self.request(method, self.sandbox + "/control" + path, body)
        assert status < 300, (method, path, status, answer)
        return answer

    def api(self, method: str, path: str, body=None) -> tuple[int, object]:
        return self.request(
            method, self.portal + "/api/v1" + path, body, {"Authorization": "Bearer " + self.operatorKey}
        )

    def organization(self) -> dict:
        return self.control("GET", "/state")["organizations"][0]

    def partner(self) -> dict:
        return self.api("GET", "/partners")[1]["items"][0]

    def launch_link(self) -> str:
        """Another way in; the demo's own link works once."""
        status, answer = self.api("POST", f"/partners/{self.partner()['id']}/launch-link")
        assert status < 300, answer
        return answer["url"]


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def demo(tmp_path):
    demo = Demo(tmp_path / "data")
    yield demo
    if demo.process.poll() is None:
        assert demo.stop() == 0, "the demo did not stop cleanly"


def open_page(browser: Browser, **options) -> Page:
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


@pytest.fixture
def page(browser):
    page = open_page(browser)
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on(
        "console", lambda message: mistakes.append(message.text) if "Content Security Policy" in message.text else None
    )
    yield page
    page.context.close()
    assert not mistakes, mistakes


@pytest.fixture
def plain_page(browser):
    """A browser without JavaScript."""
    page = open_page(browser, java_script_enabled=False)
    yield page
    page.context.close()
