"""The console as people meet it: a browser, `tivo up --demo`, and nothing between them.

Bounds are wide: what matters is that it moves, where to, and by about how much.
With `--pictures DIR` it keeps pictures of the console in both themes, wide and narrow.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect, sync_playwright

from hatch_build import CONSOLE, build, is_built
from tests.support.tivo import Tivo, tivo_up, until

pytestmark = [pytest.mark.needs("chromium", "npm"), pytest.mark.timeout(300)]

WAIT_MS = 30_000
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, npm: str) -> Iterator[Tivo]:
    """A running tivo with a day of events in it, and the console of the present sources."""
    console = Path(__file__).parents[2] / CONSOLE
    if not is_built(console):
        build(console, npm)
    with tivo_up(tmp_path_factory.mktemp("console"), "--demo") as up:
        yield up


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, demo: Tivo) -> Iterator[Page]:
    """A page in UTC; the test fails where its script does, or where it asks another host for anything."""
    context = browser.new_context(viewport=WIDE, timezone_id="UTC", base_url=demo.http)  # type: ignore[arg-type]  # a dict of ints
    context.set_default_timeout(WAIT_MS)
    opened = context.new_page()
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    foreign = re.compile(rf"(?!{re.escape(demo.http)}|{re.escape(demo.socket)}|data:|blob:)")
    opened.on("request", lambda request: failures.append(request.url) if foreign.match(request.url) else None)
    yield opened
    context.close()
    assert [] == failures


def opened(page: Page, query: str) -> Page:
    """The page with events in its list, and an axis on its timeline."""
    page.goto(f"/?{query}")
    expect(page.locator("tivo-events .row").first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("slider", name="Position")).to_be_visible(timeout=WAIT_MS)
    return page


def live(page: Page) -> Locator:
    return page.locator("tivo-controls button.live")


def drag(page: Page, start: float, end: float) -> None:
    """Draw a window across the timeline, from one part of its width to another."""
    box = page.locator("tivo-timeline canvas").bounding_box()
    assert box is not None
    height = box["y"] + box["height"] * 0.6
    page.mouse.move(box["x"] + box["width"] * start, height)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (start + end) / 2, height, steps=4)
    page.mouse.move(box["x"] + box["width"] * end, height, steps=4)
    page.mouse.up()


def position_us(page: Page) -> float:
    position: float = page.evaluate("document.querySelector('tivo-console').player.position_us")
    return position


def window_of(page: Page) -> tuple[int, int]:
    bounds: list[int] = page.evaluate(
        "(({ start_us, end_us }) => [start_us, end_us])(document.querySelector('tivo-console').player.state)"
    )
    return bounds[0], bounds[1]


def wait_for(page: Page, condition: str) -> None:
    page.wait_for_function(
        f"(() => {{ const p = document.querySelector('tivo-console').player; return {condition}; }})()"
    )


def test_live_events_appear_by_themselves(page: Page) -> None:
    opened(page, "topic=sensors")
    expect(live(page)).to_have_attribute("aria-pressed", "true")
    newest = page.locator("tivo-events .row time").first
    before = newest.inner_text()

    expect(newest).not_to_have_text(before, timeout=WAIT_MS)

    assert newest.inner_text() > before or before.startswith("23:59")


def test_topics_are_listed_with_count_and_rate(page: Page) -> None:
    opened(page, "topic=quakes")

    for name in ("clicks", "quakes", "sensors"):
        row = page.locator("tivo-topics li", has_text=name)
        expect(row).to_contain_text("events")
        expect(row).to_contain_text(re.compile(r"/s|/min|quiet"))
    expect(page.locator("tivo-topics li svg.spark polyline").first).to_be_attached()


def test_a_dragged_window_plays_in_20_s_and_loops(page: Page) -> None:
    opened(page, "topic=quakes")

    drag(page, 0.3, 0.6)

    expect(live(page)).to_have_attribute("aria-pressed", "false")
    expect(page.locator("tivo-controls button.loop")).to_have_attribute("aria-pressed", "true")
    start_us, end_us = window_of(page)
    assert 4 * 3600e6 < end_us - start_us < 12 * 3600e6
    assert (
        19.0
        < (end_us - start_us) / 1e6 / page.evaluate("document.querySelector('tivo-console').player.playbackRate")
        < 21.0
    )
    wait_for(page, "p.loop && p.position_us > p.state.start_us + 60e6")
    assert start_us <= position_us(page) < end_us


def test_a_window_dragged_before_the_axis_came_is_played_once_it_has(page: Page) -> None:
    """The gateway may be slow to say what there is, and so from where to where the timeline reaches."""
    held: list[Callable[[], None]] = []

    def hold_topics(socket: WebSocketRoute) -> None:
        def pass_on(message: str | bytes) -> None:
            told = partial(socket.send, message)
            held.append(told) if json.loads(message).get("action") == "topics" else told()

        socket.connect_to_server().on_message(pass_on)

    page.route_web_socket(re.compile(r"/ws\?"), hold_topics)
    page.goto("/?topic=quakes")
    expect(page.locator("tivo-events .row").first).to_be_visible(timeout=WAIT_MS)
    drag(page, 0.4, 0.5)
    expect(page.get_by_role("slider")).to_have_count(1)  # that of the speed
    expect(live(page)).to_have_attribute("aria-pressed", "true")

    for told in held:
        told()

    expect(page.locator("tivo-controls button.loop")).to_have_attribute("aria-pressed", "true")
    start_us, end_us = window_of(page)
    assert 1.5 * 3600e6 < end_us - start_us < 3.5 * 3600e6


def test_a_loop_comes_round(page: Page) -> None:
    opened(page, "topic=quakes")
    drag(page, 0.4, 0.5)
    expect(page.locator("tivo-controls button.loop")).to_have_attribute("aria-pressed", "true")
    field = page.get_by_label("Fit the window to so many seconds")

    field.fill("2")
    field.press("Enter")

    wait_for(page, "p.state.iteration >= 3")
    expect(page.locator("tivo-controls .doing")).to_contain_text("turn")


def test_60_times_as_fast_is_about_that(page: Page) -> None:
    opened(page, "topic=sensors")
    drag(page, 0.2, 0.7)
    expect(live(page)).to_have_attribute("aria-pressed", "false")
    field = page.get_by_label("Speed, typed")

    field.fill("60x")
    field.press("Enter")

    wait_for(page, "p.playbackRate === 60")
    passed_us, passed_ms = page.evaluate(
        """async () => {
            const { player } = document.querySelector('tivo-console');
            const [from_us, from_ms] = [player.position_us, performance.now()];
            await new Promise((done) => setTimeout(done, 3000));
            return [player.position_us - from_us, performance.now() - from_ms];
        }"""
    )
    assert 40 < passed_us / 1_000 / passed_ms < 80


def test_pause_holds_and_play_goes_on(page: Page) -> None:
    opened(page, "topic=sensors")
    drag(page, 0.2, 0.7)
    wait_for(page, "!p.live && !p.paused")

    page.keyboard.press("Space")
    wait_for(page, "p.paused")
    held_us = position_us(page)
    page.wait_for_timeout(500)
    assert held_us == position_us(page)
    assert page.locator("tivo-events .row").count() > 0
    page.keyboard.press("Space")

    wait_for(page, f"p.position_us > {held_us}")


def picture(page: Page) -> str:
    """What the scene shows."""
    drawn: str = page.locator("tivo-scene canvas").evaluate("canvas => canvas.toDataURL()")
    return drawn


def test_the_step_keys_go_from_event_to_event(page: Page) -> None:
    opened(page, "topic=sensors")
    drag(page, 0.2, 0.7)
    wait_for(page, "!p.live && !p.paused")
    expect(page.get_by_role("button", name="Step on one event")).to_be_visible()

    page.keyboard.press(".")
    wait_for(page, "p.paused")
    page.wait_for_timeout(500)
    first_us = position_us(page)
    page.keyboard.press(".")
    wait_for(page, f"p.position_us > {first_us}")
    page.get_by_role("button", name="Step back one event").click()

    wait_for(page, f"p.paused && p.position_us === {first_us}")


def test_every_step_is_in_the_picture(page: Page) -> None:
    opened(page, "topic=quakes")
    drag(page, 0.2, 0.7)
    wait_for(page, "!p.live && !p.paused")
    page.keyboard.press(".")
    wait_for(page, "p.paused")
    page.wait_for_timeout(500)

    for step in range(8):
        before = picture(page)
        assert before == picture(page)
        page.keyboard.press(".")

        until(partial(changed, page, before), f"step {step} to be in the picture")


def changed(page: Page, before: str) -> bool:
    return before != picture(page)


def test_live_is_one_press_away(page: Page) -> None:
    opened(page, "topic=sensors")
    drag(page, 0.2, 0.7)
    expect(live(page)).to_have_attribute("aria-pressed", "false")
    expect(live(page)).to_contain_text("−")

    live(page).click()

    expect(live(page)).to_have_attribute("aria-pressed", "true")
    expect(live(page)).to_contain_text("LIVE")
    wait_for(page, "Math.abs(p.position_us - p.wall_us) < 10e6 && p.duration === Infinity && !p.loop")


def test_a_click_on_the_timeline_seeks(page: Page) -> None:
    opened(page, "topic=quakes")
    box = page.locator("tivo-timeline canvas").bounding_box()
    assert box is not None

    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.6)

    expect(live(page)).to_have_attribute("aria-pressed", "false")
    wait_for(page, "p.wall_us - p.position_us > 6 * 3600e6 && p.wall_us - p.position_us < 18 * 3600e6")


def test_a_link_opens_the_same_view(page: Page) -> None:
    opened(page, "topic=quakes")
    drag(page, 0.3, 0.4)
    page.wait_for_url(re.compile("loop=1"))
    window = window_of(page)
    query = parse_qs(urlsplit(page.url).query)
    assert {"topic", "start", "end", "speed", "loop"} <= query.keys()

    page.goto("about:blank")
    page.go_back()

    wait_for(page, "p && p.state.start_us !== null && !p.paused")
    assert window == window_of(page)
    assert float(query["speed"][0]) == pytest.approx(
        page.evaluate("document.querySelector('tivo-console').player.playbackRate"), rel=1e-4
    )
    expect(page.locator("tivo-controls button.loop")).to_have_attribute("aria-pressed", "true")


def test_a_filter_shows_its_keys_only(page: Page) -> None:
    opened(page, "topic=sensors")
    drag(page, 0.2, 0.7)
    field = page.get_by_label("Filter by key")

    field.fill("B*")
    field.press("Enter")

    page.wait_for_url(re.compile("key=B"))
    wait_for(
        page,
        """(() => {
            const rows = [...document.querySelector('tivo-console').shadowRoot.querySelector('tivo-events')
                .shadowRoot.querySelectorAll('.row b')].slice(0, 8).map((key) => key.textContent);
            return rows.length === 8 && rows.every((key) => key.startsWith('B'));
        })()""",
    )


def test_an_event_is_shown_in_full_and_sought(page: Page) -> None:
    opened(page, "topic=quakes")
    page.locator("tivo-events .row").nth(5).click()

    detail = page.locator("tivo-events .detail")
    expect(detail).to_contain_text("mag")
    expect(detail).to_contain_text("quakes / 0 /")
    detail.get_by_role("button", name="Seek").click()

    expect(live(page)).to_have_attribute("aria-pressed", "false")


def test_a_topic_is_made_and_filled_from_here(page: Page) -> None:
    opened(page, "topic=quakes")
    page.get_by_role("button", name="New topic").click()
    name = page.get_by_label("Name of the new topic")
    name.fill("made.here")
    name.press("Enter")
    expect(page.locator("h1")).to_have_text("made.here")
    expect(live(page)).to_have_attribute("aria-pressed", "true")

    page.request.post("/v1/topics/made.here/records", data={"key": "k", "value": {"hello": "world"}})

    expect(page.locator("tivo-events .row").first).to_contain_text("hello world", timeout=WAIT_MS)


def test_what_is_refused_is_said(page: Page) -> None:
    opened(page, "topic=quakes")

    page.keyboard.press("g")
    field = page.get_by_label("Time", exact=True)
    field.fill("yesterday afternoon")
    field.press("Enter")

    expect(page.locator("tivo-goto .refused")).to_contain_text("yesterday afternoon")
    expect(field).to_have_value("yesterday afternoon")


def test_snippets_carry_the_present_window(page: Page) -> None:
    opened(page, "topic=quakes")
    drag(page, 0.3, 0.4)
    wait_for(page, "p.loop")

    page.get_by_role("button", name="Use in your page").click()
    code = page.locator("tivo-use pre")

    expect(code).to_contain_text("topics: 'quakes', start: '")
    expect(code).to_contain_text("loop: true")
    page.get_by_role("tab", name="Python").click()
    expect(code).to_contain_text('"quakes", start="')


def test_times_and_themes_switch_and_stay(page: Page) -> None:
    opened(page, "topic=quakes")

    page.get_by_role("button", name="Local time").click()
    page.get_by_role("button", name="Theme: auto").click()
    page.get_by_role("button", name="Theme: light").click()
    page.reload()

    expect(page.get_by_role("button", name="UTC")).to_be_visible()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert "dark" == page.evaluate("document.documentElement.style.colorScheme")


def test_sliders_say_where_they_stand(page: Page) -> None:
    opened(page, "topic=quakes")
    drag(page, 0.3, 0.6)
    wait_for(page, "p.loop")

    for name in ("Position", "Start of the window", "End of the window"):
        slider = page.get_by_role("slider", name=name)
        expect(slider).to_have_attribute("aria-valuetext", re.compile(r"\d+ \w+ \d{4}, \d\d:\d\d:\d\d"))
    start_us, end_us = window_of(page)
    page.get_by_role("slider", name="End of the window").press("ArrowLeft")
    wait_for(page, f"p.state.end_us < {end_us}")
    assert start_us == window_of(page)[0]


OWN_PAGE = """<!doctype html>
<tivo-timeline></tivo-timeline>
<tivo-controls></tivo-controls>
<script type="module">
  import {{ Tivo }} from '{http}/elements.js';
  const player = new Tivo('{http}/').player({{ topics: 'sensors' }});
  for (const name of ['tivo-timeline', 'tivo-controls']) document.querySelector(name).player = player;
  player.tail();
</script>"""


class OwnPages(SimpleHTTPRequestHandler):
    """A folder on another port of this machine, as a page under development is."""

    def log_message(self, *_: object) -> None:
        pass


def test_a_killed_gateway_costs_the_page_no_event(page: Page, demo: Tivo) -> None:
    opened(page, "topic=sensors")
    expect(live(page)).to_have_attribute("aria-pressed", "true")
    listen = "document.querySelector('tivo-console').player.on('event', ({ offset }) => offsets.push(offset))"
    page.evaluate(f"globalThis.offsets = []; void {listen}")  # void: a function that is given back would be called
    page.wait_for_function("offsets.length >= 3")
    old_pid = demo.ready["pids"]["gateway"]

    demo.kill("gateway")
    demo.wait_for_restart("gateway", old_pid)

    before = page.evaluate("offsets.length")
    page.wait_for_function(f"offsets.length >= {before + 10}")
    offsets: list[int] = page.evaluate("offsets")
    assert list(range(offsets[0], offsets[0] + len(offsets))) == offsets


def test_the_elements_stand_in_a_page_of_ones_own(browser: Browser, demo: Tivo, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(OWN_PAGE.format(http=demo.http))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(OwnPages, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")

        expect(live(page)).to_have_attribute("aria-pressed", "true", timeout=WAIT_MS)
        expect(page.get_by_role("slider", name="Position")).to_be_attached(timeout=WAIT_MS)

        page.close()
        server.shutdown()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_overflows(
    theme: str, viewport: dict[str, int], browser: Browser, demo: Tivo, request: pytest.FixtureRequest
) -> None:
    context = browser.new_context(
        viewport=viewport,  # type: ignore[arg-type]  # a dict of ints
        color_scheme=theme,  # type: ignore[arg-type]  # one of the two
        timezone_id="UTC",
        base_url=demo.http,
        device_scale_factor=2,
    )
    context.set_default_timeout(WAIT_MS)
    page = opened(context.new_page(), "topic=quakes")
    drag(page, 0.35, 0.62)
    wait_for(page, "p.loop && p.position_us > p.state.start_us + (p.state.end_us - p.state.start_us) * 0.2")

    wide = page.evaluate("document.documentElement.scrollWidth")

    assert wide <= viewport["width"]
    pictures = request.config.getoption("pictures")
    if pictures:
        page.mouse.move(2, 2)
        where = Path(pictures)
        where.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=where / f"console-{'wide' if viewport is WIDE else 'narrow'}-{theme}.png")
    context.close()
