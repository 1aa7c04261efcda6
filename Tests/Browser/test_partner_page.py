"""What a partner meets on the page beyond the straight way."""

import re

import pytest
from playwright.sync_api import expect

from steps import connect, connection, history_rows, map_everything, sync_now


@pytest.fixture
def connected(demo, page):
    page.goto(demo.launchURL)
    connect(page, demo.partnerAPIKey)
    expect(connection(page)).to_contain_text("map", ignore_case=True)
    return page


def test_a_wrong_key_is_told_at_the_field_and_nothing_is_stored(demo, page):
    page.goto(demo.launchURL)
    connect(page, "not-a-key")
    expect(page.get_by_text("Synthesize did not accept this key").first).to_be_visible()
    expect(connection(page)).to_contain_text("Not connected", ignore_case=True)
    assert page.get_by_label("Partner API key").input_value() == ""


def test_an_empty_key_is_told(demo, page):
    page.goto(demo.launchURL)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("Paste the Partner API key").first).to_be_visible()


def test_a_key_pasted_with_spaces_is_accepted(demo, page):
    page.goto(demo.launchURL)
    connect(page, f"  {demo.partnerAPIKey}\t ")
    expect(connection(page)).to_contain_text("map", ignore_case=True)


def test_a_refused_new_key_keeps_the_old_one(demo, connected):
    page = connected
    page.get_by_text("Use another key").click()
    connect(page, "wrong")
    expect(page.get_by_text("Synthesize did not accept this key").first).to_be_visible()
    page.goto(demo.portal)
    expect(connection(page)).to_contain_text(demo.partnerAPIKey[-4:])
    sync_now(page)


def test_unmapped_accounts_are_a_to_do_and_not_an_error(demo, connected):
    page = connected
    sync_now(page)
    todo = page.get_by_role("region", name="Not mapped yet")
    expect(todo).to_contain_text("Brightwater Law LLP")
    expect(todo.get_by_role("link").first).to_be_visible()


def test_awkward_names_arrive_unchanged_and_are_escaped(demo, page):
    names = ['<script>alert("x")</script>', "O'Brien & \"Sons\"", "Ünïcode 🦜 Ltd", "a" * 255]
    ids = ["a/b", "c d", "e+f", "ü%2F"]
    demo.control(
        "PUT",
        "/saas-alerts",
        {
            "apiKey": demo.vendorAPIKey,
            "customers": [
                {"id": id, "name": name, "billable": 3, "nonBillable": 1} for id, name in zip(ids, names)
            ],
        },
    )
    page.goto(demo.launchURL)
    page.on("dialog", lambda dialog: pytest.fail("a name ran as a script"))
    connect(page, demo.partnerAPIKey)
    expect(connection(page)).to_contain_text("map", ignore_case=True)
    accounts = {account["id"]: account["name"] for account in demo.organization()["accounts"]}
    assert accounts == dict(zip(ids, names))
    todo = page.get_by_role("region", name="Not mapped yet")
    expect(todo).to_contain_text(names[0])
    demo.control("POST", f"/organizations/{demo.organization()['id']}/map", {"all": True})
    sync_now(page)
    assert {count["accountId"]: count["unitCount"] for count in demo.organization()["counts"]} == dict.fromkeys(ids, 3)


def test_a_preview_shows_old_and_new_and_sends_nothing(demo, connected):
    page = connected
    map_everything(page, demo)
    page.goto(demo.portal)
    sync_now(page)
    counts = demo.organization()["counts"]
    customers = [
        {"id": "c1", "name": "Alder Bakery", "billable": 4},
        {"id": counts[0]["accountId"], "name": "Kept Customer", "billable": int(counts[0]["unitCount"]) + 3},
    ]
    kept = sum(count["unitCount"] for count in counts[1:])
    customers += [{"id": count["accountId"], "name": "Same", "billable": int(count["unitCount"])} for count in counts[1:-1]]
    assert kept > 0
    demo.control("PUT", "/saas-alerts", {"apiKey": demo.vendorAPIKey, "customers": customers})
    demo.control("DELETE", "/requests")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Preview of a sync")).to_be_visible()
    rows = page.get_by_role("table", name="Counts that a sync would send").locator("tbody tr")
    expect(rows).to_have_count(len(counts) + 1)
    expect(rows.filter(has_text="Alder Bakery")).to_contain_text("none → 4")
    first = int(counts[0]["unitCount"])
    expect(rows.filter(has_text="Kept Customer")).to_contain_text(f"{first} → {first + 3}")
    expect(rows.filter(has_text="Dropped to zero")).to_have_count(1)
    assert demo.control("GET", "/state")["requests"]["total"] == 0
    assert demo.organization()["counts"] == counts

    page.get_by_role("button", name="Sync Now").click()
    expect(history_rows(page)).to_have_count(2)
    expect(history_rows(page).first).to_contain_text("Succeeded", ignore_case=True)
    page.locator("#history a[href^='/runs/']").first.click()
    for format in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("link", name=format, exact=True).click()
        assert download.value.suggested_filename.endswith("." + format.lower())
        assert download.value.path().stat().st_size > 100


def test_progress_is_live(demo, connected):
    page = connected
    demo.control("PATCH", "/settings", {"latencyMs": 300})
    demo.control(
        "PUT",
        "/saas-alerts",
        {
            "apiKey": demo.vendorAPIKey,
            "customers": [
                {"id": f"c{n}", "name": f"Customer {n}", "billable": 1, "nonBillable": 0} for n in range(60)
            ],
        },
    )
    page.get_by_role("button", name="Sync Now").click()
    bar = page.get_by_role("progressbar", name="Sync progress")
    expect(bar).to_be_visible()
    expect(bar).to_have_attribute("value", re.compile("[1-9]"))
    expect(bar).to_have_count(0)
    expect(history_rows(page).first).to_contain_text("Succeeded", ignore_case=True)


def test_a_test_alert_is_shown_through_to_its_ticket(demo, connected):
    page = connected
    map_everything(page, demo)
    page.goto(demo.portal)
    page.get_by_role("button", name="Test alert").click()
    section = page.locator("#test-alert")
    expect(section).to_contain_text("Ticket created", ignore_case=True)
    tickets = demo.organization()["tickets"]
    assert len(tickets) == 1
    expect(section).to_contain_text(tickets[0]["id"])


def test_disable_enable_and_forget_key(demo, connected):
    page = connected
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Disable").click()
    expect(connection(page)).to_contain_text("Disabled", ignore_case=True)
    assert demo.organization()["status"] in ("disabled", "inactive")
    expect(page.get_by_role("button", name="Sync Now")).to_have_count(0)
    page.get_by_role("button", name="Enable").click()
    expect(connection(page)).to_contain_text("map", ignore_case=True)
    assert demo.organization()["status"] == "pending"
    page.get_by_role("button", name="Disable").click()
    expect(connection(page)).to_contain_text("Disabled", ignore_case=True)
    page.get_by_role("button", name="Forget key").click()
    expect(connection(page)).to_contain_text("Not connected", ignore_case=True)


def test_the_schedule_is_saved_and_its_next_time_shown(demo, connected):
    page = connected
    page.get_by_role("radio", name="Weekly").check()
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_role("radio", name="Weekly")).to_be_checked()
    expect(page.get_by_text("Next sync").first).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name="Weekly")).to_be_checked()


def test_a_regenerated_key_asks_for_a_new_one(demo, connected):
    page = connected
    demo.control("POST", f"/organizations/{demo.organization()['id']}/regenerate-key")
    page.get_by_role("button", name="Sync Now").click()
    expect(connection(page)).to_contain_text("new key", ignore_case=True)
    connect(page, demo.organization()["partnerKey"])
    expect(connection(page)).to_contain_text("map", ignore_case=True)


def test_a_failing_vendor_is_told_and_touches_nothing(demo, connected):
    page = connected
    demo.control("PUT", "/saas-alerts", {"apiKey": demo.vendorAPIKey, "customers": []})
    before = demo.control("GET", "/state")["requests"]["byCall"]
    page.get_by_role("button", name="Sync Now").click()
    expect(history_rows(page).first).to_contain_text("Failed", ignore_case=True)
    expect(page.get_by_text("returned no customers").first).to_be_visible()
    after = demo.control("GET", "/state")["requests"]["byCall"]
    assert {call: after.get(call) for call in ("A2", "A3", "S1", "S3", "S4")} == {
        call: before.get(call) for call in ("A2", "A3", "S1", "S3", "S4")
    }
