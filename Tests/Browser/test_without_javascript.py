"""Every page works with JavaScript off."""

from playwright.sync_api import expect

from steps import connect, connection, history_rows


def reload_until(page, predicate, tries=100):
    for _ in range(tries):
        if predicate():
            return
        page.wait_for_timeout(100)
        page.reload()
    raise AssertionError("the page did not come to show it")


def test_connect_sync_and_alert(demo, plain_page):
    page = plain_page
    page.goto(demo.launchURL)
    connect(page, demo.partnerAPIKey)
    reload_until(page, lambda: "map" in connection(page).inner_text().lower() and demo.organization()["status"] == "pending")
    demo.control("POST", f"/organizations/{demo.organization()['id']}/map", {"all": True})
    reload_until(page, lambda: page.get_by_role("button", name="Sync Now").count() == 1)
    page.get_by_role("button", name="Sync Now").click()
    reload_until(page, lambda: "succeeded" in history_rows(page).first.inner_text().lower())
    assert len(demo.organization()["counts"]) == 7
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("table", name="Counts that a sync would send").locator("tbody tr")).to_have_count(8)
    page.get_by_role("link", name="Back to the integration").click()
    page.get_by_role("button", name="Test alert").click()
    reload_until(page, lambda: len(demo.organization()["tickets"]) == 1 and "ticket" in page.content().lower())


def test_a_wrong_key(demo, plain_page):
    page = plain_page
    page.goto(demo.launchURL)
    connect(page, "wrong")
    expect(page.get_by_text("Synthesize did not accept this key").first).to_be_visible()
