"""Gradient's QA checklist (contract section 12), walked in a browser from disconnected to usage received, twice."""

from playwright.sync_api import expect

from steps import connect, connection, make_key, map_everything, sync_now

# The sandbox's demo customers that are in the PSA by the same name and have billable users.
EXPECTED = {
    "cus_1001": 27,
    "cus_1002": 12,
    "cus_1004": 41,
    "cus_1005": 18,
    "cus_1007": 33,
}


def counts(demo) -> dict[str, int]:
    return {count["accountId"]: count["unitCount"] for count in demo.organization()["counts"]}


def walk(demo, page, run_count: int) -> None:
    # 2. In Gradient: connect, which generates the key, and open the vendor's portal.
    key = make_key(page, demo)
    page.goto(demo.launch_link())
    # 3. Authenticate in the vendor's portal.
    connect(page, key)
    expect(connection(page)).to_contain_text("map", ignore_case=True)
    # 4. Next lights up, because the status is pending; accounts and services have arrived.
    assert demo.organization()["status"] == "pending"
    assert len(demo.organization()["accounts"]) == 8
    # 5. Map them.
    map_everything(page, demo)
    # 6. Sync from the vendor's portal.
    page.goto(demo.portal)
    sync_now(page, run_count)
    # 7. Usage is there for what is mapped.
    assert counts(demo) == EXPECTED
    page.goto(f"{demo.sandbox}/organizations/{demo.organization()['id']}/billing")
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("row", name="Brightwater Law LLP").first).to_contain_text("27")
    page.goto(demo.portal)
    expect(connection(page)).to_contain_text("Active", ignore_case=True)
    assert demo.organization()["status"] == "active"


def test_connect_map_sync_disconnect_and_all_again(demo, page):
    # 1. Start from disconnected.
    page.goto(demo.launchURL)
    expect(connection(page)).to_contain_text("Not connected", ignore_case=True)
    walk(demo, page, run_count=1)

    # 8. Disconnect in Gradient ...
    page.goto(f"{demo.sandbox}/organizations/{demo.organization()['id']}")
    page.get_by_role("link", name="Disconnect").click()
    page.get_by_role("button", name="Disconnect").click()
    assert demo.organization()["accounts"] == []
    # ... which the next sync notices, at once and for this partner.
    page.goto(demo.portal)
    page.get_by_role("button", name="Sync Now").click()
    expect(connection(page)).to_contain_text("new key", ignore_case=True)

    # ... and do it all again; the page says that mapping is lost.
    key = make_key(page, demo)
    page.goto(demo.portal)
    connect(page, key)
    expect(connection(page)).to_contain_text("Mapping must be redone in Synthesize")
    map_everything(page, demo)
    page.goto(demo.portal)
    sync_now(page, run_count=3)
    assert counts(demo) == EXPECTED
    expect(connection(page)).not_to_contain_text("must be redone")
