"""An operator hands in a file in the console, as a person with a browser does."""

import json
import os
import pathlib
import re
import subprocess

import pytest
from playwright.sync_api import expect

from conftest import PROGRAM, ROOT, open_page
from test_accessibility import check

SCREENSHOTS = os.environ.get("SCREENSHOTS")
HEAD = "Customer No;Customer;Product;Quantity\n"


class Service:
    """`perch serve` with usage that is handed in, beside a sandbox."""

    def __init__(self, directory: pathlib.Path):
        page = (ROOT / "docs/usage-files-and-push.md").read_text()
        for name, text in re.findall(r"^```(?:yaml|csv) (\S+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
            (directory / name).write_text(text)
        self.log = open(directory / "log", "wb+")
        self.environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TZ": "UTC", "PERCH_DATA_DIRECTORY": str(directory / "data")}
        self.directory, self.processes = directory, []
        sandbox = json.loads(self.start("sandbox", "--json", "--empty", "--port", "0"))
        self.environment |= {
            "PERCH_PORT": "0", "PERCH_CONNECTOR": "acme-backup.yaml", "PERCH_VENDOR_API_KEY": sandbox["vendorAPIKey"],
            "PERCH_SYNTHESIZE_URL": sandbox["sandbox"], "PERCH_ALLOW_PLAIN_HTTP": "true",
        }
        issued = subprocess.run(
            [PROGRAM, "operators", "issue", "Olive Operator", "--role", "operator"], cwd=directory, env=self.environment, stdout=subprocess.PIPE,
            stderr=self.log, text=True, check=True,
        )
        self.operator_key = issued.stdout.strip()
        self.url = self.start("serve").split(" ")[-1]

    def start(self, *arguments: str) -> str:
        process = subprocess.Popen(
            [PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=self.log, cwd=self.directory, env=self.environment, text=True
        )
        self.processes.append(process)
        return process.stdout.readline().strip()

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait(timeout=60)
            process.stdout.close()
        self.log.close()


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path)
    yield service
    service.stop()


def shot(page, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_file_is_uploaded_refused_by_its_line_and_taken(service, browser, scheme, width):
    page = open_page(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(service.url + "/console")
    page.locator("input[type=password]").fill(service.operator_key)
    page.locator("main button[type=submit]").first.click()
    page.get_by_label("Vendor reference", exact=True).fill("northwind")
    page.get_by_label("Name", exact=True).fill("Northwind Managed IT")
    page.get_by_role("button", name="Add partner").click()
    expect(page.get_by_role("heading", name="Usage handed in")).to_be_visible()
    expect(page.get_by_text("nothing yet")).to_be_visible()
    check(page, "nothing handed in")
    shot(page, f"empty-{width}-{scheme}")

    bad = (HEAD + "c-1;Brightwater Law;Acme Protected Seats;12\nc-2;Lumen Optics;Acme Chairs;7\n").encode()
    page.get_by_label("Usage file").set_input_files({"name": "bad.csv", "mimeType": "text/csv", "buffer": bad})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 3 names the service Acme Chairs")
    check(page, "refused")
    shot(page, f"refused-{width}-{scheme}")

    page.get_by_label("Usage file").set_input_files(service.directory / "acme.csv")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("3 accounts, 2 counts")).to_be_visible()
    expect(page.get_by_text("by Olive Operator")).to_be_visible()
    check(page, "taken")
    shot(page, f"taken-{width}-{scheme}")
    page.context.close()
