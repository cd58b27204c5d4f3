"""A browser at a gateway that asks: it logs in, sees live events, and is out once its token is taken away."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from hatch_build import CONSOLE, build, is_built
from tests.support.tivo import Tivo, tivo_up
from tests.support.tokens import users
from tivo import users_file

pytestmark = [pytest.mark.needs("chromium", "npm"), pytest.mark.timeout(300)]

WAIT_MS = 30_000
ADA, CLEO = "ada-1b7f0c", "cleo-d04a11"
SCOPES = {ADA: ("read:a.",), CLEO: ("admin",)}
SIZES = {"wide": (1280, 800), "narrow": (390, 844)}


class Asking:
    """A tivo that asks for tokens, and its users file."""

    def __init__(self, up: Tivo, file: Path) -> None:
        self.up = up
        self._file = file
        self.cleo = httpx.Client(base_url=up.http, headers={"Authorization": f"Bearer {CLEO}"})

    def keep(self, *tokens: str) -> None:
        users_file.write(self._file, users(**{token: SCOPES[token] for token in tokens}))

    def produce(self, topic: str, *numbers: int) -> None:
        records = [{"key": "k", "value": {"n": number}} for number in numbers]
        self.cleo.post(f"/v1/topics/{topic}/records", json={"records": records}).raise_for_status()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, npm: str) -> Iterator[Asking]:
    """Topics `a.x` and `b` with an event each; Ada may read what begins with `a.`."""
    console = Path(__file__).parents[2] / CONSOLE
    if not is_built(console):
        build(console, npm)
    folder = tmp_path_factory.mktemp("login")
    file = folder / "users.toml"
    users_file.write(file, users(**SCOPES))
    with tivo_up(folder, environment={"TIVO_GATEWAY_AUTH": "tokens", "TIVO_USERS_FILE": str(file)}) as up:
        made = Asking(up, file)
        for topic in ("a.x", "b"):
            made.produce(topic, 0)
        yield made
        made.cleo.close()


@pytest.fixture
def asking(running: Asking) -> Iterator[Asking]:
    yield running
    running.keep(ADA, CLEO)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


def context_of(browser: Browser, asking: Asking, *, size: str = "wide", theme: str = "light") -> BrowserContext:
    width, height = SIZES[size]
    context = browser.new_context(
        base_url=asking.up.http,
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]  # one of the two
    )
    context.set_default_timeout(WAIT_MS)
    return context


@pytest.fixture
def page(browser: Browser, asking: Asking) -> Iterator[Page]:
    context = context_of(browser, asking)
    opened = context.new_page()
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    yield opened
    context.close()
    assert [] == failures


def log_in(page: Page, token: str) -> None:
    """By keyboard alone: the field has the focus already."""
    expect(page.get_by_label("Token", exact=True)).to_be_focused()
    page.keyboard.type(token)
    page.keyboard.press("Enter")


def test_who_logs_in_sees_live_events_and_is_out_once_the_token_is_taken_away(page: Page, asking: Asking) -> None:
    page.goto("/?topic=a.x")
    log_in(page, ADA)
    expect(page.locator("h1")).to_have_text("a.x")
    expect(page.locator("tivo-controls button.live")).to_have_attribute("aria-pressed", "true")
    asking.produce("a.x", 4_711)
    expect(page.locator("tivo-events .row").first).to_contain_text("4711")
    expect(page.locator("tivo-topics li")).to_have_count(1)

    asking.keep(CLEO)

    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("taken away")
    expect(page.locator("tivo-events")).to_have_count(0)
    asking.keep(ADA, CLEO)
    log_in(page, ADA)
    expect(page.locator("h1")).to_have_text("a.x")


def test_a_wrong_token_is_refused_and_said_and_the_field_is_there_again(page: Page) -> None:
    page.goto("/")
    log_in(page, "a guess")

    expect(page.get_by_role("alert")).to_have_text("This token is not known, or has expired.")
    field = page.get_by_label("Token", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("wants to be shown a token.*This token is not known"))
    log_in(page, ADA)
    expect(page.locator("h1")).to_have_text("a.x")


def test_a_login_outlives_the_page_and_no_script_can_read_it(page: Page) -> None:
    page.goto("/")
    log_in(page, ADA)
    expect(page.locator("h1")).to_have_text("a.x")

    page.reload()

    expect(page.locator("h1")).to_have_text("a.x")
    kept = page.evaluate("[document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join()")
    assert ADA not in kept and "tivo-" not in kept
    (cookie,) = page.context.cookies()
    assert (True, "Strict") == (cookie["httpOnly"], cookie["sameSite"])


def test_who_is_logged_in_may_follow_an_event_stream_that_ends_with_the_token(page: Page, asking: Asking) -> None:
    page.goto("/")
    log_in(page, ADA)
    expect(page.locator("h1")).to_have_text("a.x")

    page.evaluate(
        """() => {
            window.heard = [];
            window.stream = new EventSource('/v1/topics/a.x/tail?from=beginning');
            window.stream.onmessage = ({ data }) => window.heard.push(JSON.parse(data).value.n);
        }"""
    )
    page.wait_for_function("heard.includes(0)")
    asking.keep(CLEO)

    page.wait_for_function("stream.readyState === EventSource.CLOSED")


def test_to_log_out_leaves_nothing_behind(page: Page) -> None:
    page.goto("/")
    log_in(page, ADA)
    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert [] == page.context.cookies()


def test_code_to_copy_shows_a_token_and_never_this_one(page: Page) -> None:
    page.goto("/?topic=a.x")
    log_in(page, ADA)
    page.get_by_role("button", name="Use in your page").click()
    code = page.locator("tivo-use pre")
    for way, told in (("Shell", "Bearer $TIVO_TOKEN"), ("Python", 'token=os.environ["TIVO_TOKEN"]')):
        page.get_by_role("tab", name=way).click()
        expect(code).to_contain_text(told)
        assert ADA not in code.inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_login_fits_and_can_be_read_in_both_themes(
    browser: Browser, asking: Asking, size: str, theme: str, request: pytest.FixtureRequest
) -> None:
    context = context_of(browser, asking, size=size, theme=theme)
    page = context.new_page()
    page.goto("/")
    log_in(page, "a guess")
    expect(page.get_by_role("alert")).to_contain_text("not known")

    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    for part in ("h1", "#what", "label", "input", "button", "#said"):
        assert 4.5 <= contrast(page, part), part
    pictures = request.config.getoption("pictures")
    if pictures:
        Path(pictures).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(pictures) / f"login-{size}-{theme}.png")
    context.close()


def contrast(page: Page, part: str) -> float:
    """Of an element's text to what lies behind it, as WCAG reckons it."""
    ratio: float = page.locator(f"tivo-login {part}").evaluate(
        """(element) => {
            const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
            const light = (text) => {
                const [r, g, b] = rgb(text).map((part) => part / 255)
                    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            let behind = element;
            while ((rgb(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0)
                behind = behind.parentElement ?? behind.getRootNode().host;
            const both = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(light);
            return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
        }"""
    )
    return ratio
