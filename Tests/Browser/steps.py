"""What a partner does, in words that the tests are written in."""

from playwright.sync_api import Page, expect

PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


def connection(page: Page):
    return page.get_by_role("status", name="Connection")


def history_rows(page: Page):
    return page.get_by_role("table", name="Sync history").locator("tbody tr")


def connect(page: Page, key: str) -> None:
    page.get_by_label("Partner API key").fill(key)
    page.get_by_role("button", name="Connect", exact=True).click()


def make_key(page: Page, demo) -> str:
    """In Synthesize: Integrations, Connect, copy the key."""
    page.goto(f"{demo.sandbox}/organizations/{demo.organization()['id']}")
    button = page.get_by_role("button", name="Connect", exact=True)
    if button.count() == 0:
        button = page.get_by_role("button", name="Generate new key")
    button.click()
    return page.get_by_label("Partner API key").input_value()


def map_everything(page: Page, demo) -> None:
    """In Synthesize: Next, map accounts by exact names, map every service, Finish."""
    organization = f"{demo.sandbox}/organizations/{demo.organization()['id']}"
    page.goto(organization)
    page.get_by_role("link", name="Next", exact=True).click()
    page.get_by_role("button", name="Auto-map exact names").click()
    page.goto(organization + "/mapping/services")
    page.get_by_role("button", name="Auto-map exact names").click()
    page.get_by_role("button", name="Finish").click()


def sync_now(page: Page, run_count: int = 1) -> None:
    """Presses Sync Now and waits until the newest run in history has ended."""
    page.get_by_role("button", name="Sync Now").click()
    expect(history_rows(page)).to_have_count(run_count)
    expect(page.get_by_role("progressbar", name="Sync progress")).to_have_count(0)
    expect(history_rows(page).first).to_contain_text("Succeeded", ignore_case=True)
