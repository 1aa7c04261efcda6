"""axe finds nothing, in light and dark; nothing is wider than a small phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conftest import open_page
from steps import connect, connection, map_everything, sync_now


def check(page, name: str) -> None:
    page.wait_for_load_state("load")  # Without its style sheet a page has no colours to judge.
    found = Axe().run(page).response["violations"]
    assert not found, name + ": " + "; ".join(
        f"{violation['id']} at {[node['target'] for node in violation['nodes']]}" for violation in found
    )
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, f"{name}: {width} px too wide"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_partner_pages(demo, browser, scheme, width):
    page = open_page(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(demo.launchURL)
    check(page, "not connected")
    connect(page, "wrong")
    expect(page.get_by_text("Synthesize did not accept this key").first).to_be_visible()
    check(page, "wrong key")
    connect(page, demo.partnerAPIKey)
    expect(connection(page)).to_contain_text("map", ignore_case=True)
    check(page, "pending")
    map_everything(page, demo)
    page.goto(demo.portal)
    sync_now(page, 1)
    sync_now(page, 2)
    check(page, "active")
    demo.control(
        "PUT",
        "/saas-alerts",
        {
            "apiKey": demo.vendorAPIKey,
            "customers": [
                {"id": f"c{number}", "name": "Customer with a rather long name, Ltd", "billable": 1234 * number}
                for number in range(4)
            ],
        },
    )
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Preview of a sync")).to_be_visible()
    check(page, "a preview")
    page.goto(demo.portal + "/runs")
    check(page, "runs")
    page.locator("main a[href^='/runs/']").first.click()
    check(page, "a run")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_console(demo, browser, scheme):
    page = open_page(browser, color_scheme=scheme, viewport={"width": 360, "height": 900})
    page.goto(demo.console)
    check(page, "sign-in")
    page.locator("input[type=password]").fill(demo.operatorKey)
    page.locator("main button[type=submit]").first.click()
    expect(page.get_by_text("Northwind Managed IT").first).to_be_visible()
    check(page, "partners")
    page.get_by_role("link", name="Northwind Managed IT").first.click()
    check(page, "a partner")
    form = {"partnerKey": demo.partnerAPIKey, "fields": {"apiKey": demo.vendorAPIKey}}
    status, answer = demo.api("POST", f"/partners/{demo.partner()['id']}/connection", form)
    assert status == 202, answer
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Preview of a sync")).to_be_visible()
    check(page, "a preview")
    page.context.close()
