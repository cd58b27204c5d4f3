"""The examples of the documentation, run against a real tivo: what a page shows is what comes."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread, Timer
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import ConsoleMessage, Error, sync_playwright
from websockets.asyncio.client import connect

from tests.docs.comparing import same
from tests.docs.markdown import DOCS, Example, examples
from tests.support.tivo import Tivo, tivo_up, until
from tivo.playback import commands, protocol

ROOT = DOCS.parent
LIBRARY = ROOT / "tivo" / "console" / "lib" / "tivo.js"
PAGES = [
    ROOT / "README.md",
    DOCS / "tutorial" / "first-picture.md",
    *(
        DOCS / "reference" / name
        for name in ("http-api.md", "playback-protocol.md", "client-library.md", "python-viewer.md")
    ),
]
SHELL = re.compile(r"(?:curl|printf|echo|for|\.venv/bin/tivo) ")
"""How a block begins that is for a shell; others are answers, or start what runs here already."""

PRELUDE = """
curl() {
  case "$*" in
    */tail*) command curl --max-time 1 "$@" 2>/dev/null || [ $? = 28 ] ;;
    *) command curl --fail-with-body -sS "$@" ;;
  esac
}
"""
"""curl tells a refusal by its exit code, and leaves a stream that does not end."""

REFUSED = 22
"""curl's exit code for an answer of 400 or more."""

pytestmark = pytest.mark.timeout(120)
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


class Shell(NamedTuple):
    """Commands, and the answer that the page shows behind them."""

    commands: str
    answer: str | None
    line: int


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tivo]:
    """A running tivo with a day of earthquakes, which the pages take from the demo, and of rain."""
    with tivo_up(tmp_path_factory.mktemp("examples")) as running:
        produce_a_day(running, "quakes", {"place": "Cascadia", "mag": 1.5}, step_s=15)
        produce_a_day(running, "rain", {"x": 50, "y": 50, "mm": 20}, step_s=60)
        settle(running)
        yield running


def produce_a_day(up: Tivo, topic: str, value: dict[str, object], *, step_s: int) -> None:
    records = [{"key": "Cascadia", "value": value, "time": f"-{second}s"} for second in range(5, 86_400, step_s)]
    httpx.post(f"{up.http}/v1/topics/{topic}/records", json={"records": records}, timeout=30).raise_for_status()


def settle(up: Tivo) -> None:
    """Wait until the store holds what the log holds."""
    until(lambda: not any(topic["pending"] for topic in topics(up)), "the store to hold everything", timeout_s=20)


def topics(up: Tivo) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = httpx.get(f"{up.http}/v1/topics").json()["topics"]
    return listed


def localized(text: str, up: Tivo) -> str:
    """An example at the addresses of the tivo that runs."""
    text = text.replace("http://127.0.0.1:8080", up.http).replace("ws://127.0.0.1:8080", up.socket)
    text = re.sub(r"\.venv/bin/tivo (\w+)", rf"{sys.executable} -m tivo \1 --url {up.http}", text)
    text = text.replace("--fit 10s", "--fit 1s")  # shown to people, who have the time
    return text.replace("127.0.0.1:9092", up.kafka)


def shells(page: Path) -> Iterator[Shell]:
    """The shell examples of a page, each with the block behind it where that is an answer."""
    blocks = [*examples(page), Example("", "", 0)]
    for block, following in pairwise(blocks):
        if not block.language and SHELL.match(block.text):
            is_answer = following.text and not SHELL.match(following.text) and following.language in {"", "json"}
            is_answer = is_answer and not is_exchange(following) and '{"action"' not in following.text
            yield Shell(block.text, following.text if is_answer else None, block.line)


def is_exchange(block: Example) -> bool:
    return block.text.startswith(("< ", "> "))


# ---------------------------------------------------------------- shell


@by_page
def test_shell_examples(page: Path, up: Tivo, tmp_path: Path) -> None:
    for shell in shells(page):
        script = "".join(line for line in shell.commands.splitlines(keepends=True) if "kcat" not in line)
        if " tail " in script and ".venv" in script:
            check_tail(script, up, tmp_path)
        elif script:
            settle(up)
            compare(f"{page.name}:{shell.line}", shell, run(localized(script, up)))


@pytest.mark.needs("kcat")
@by_page
def test_kcat_examples(page: Path, up: Tivo) -> None:
    for shell in shells(page):
        for line in (line for line in shell.commands.splitlines() if "kcat" in line):
            ran = run(localized(line, up))

            assert 0 == ran.returncode, f"{page.name}:{shell.line}: {ran.stderr}"


def run(script: str) -> "subprocess.CompletedProcess[str]":
    """Run a script with a shell, in the directory of tivo."""
    command = ["bash", "-o", "pipefail", "-c", PRELUDE + script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def compare(place: str, shell: Shell, ran: "subprocess.CompletedProcess[str]") -> None:
    """The answer that the page shows, or at least success."""
    shown, came = (parsed(shell.answer), parsed(ran.stdout)) if shell.answer else ([], [])
    is_refused = any(isinstance(each, dict) and "status" in each for each in shown)
    told = f"{place}: {ran.stderr}{ran.stdout}"
    assert (REFUSED if is_refused else 0) == ran.returncode, told
    assert len(shown) <= len(came), told
    assert [] == [(one, other) for one, other in zip(shown, came, strict=False) if not same(one, other)], place


def parsed(output: str) -> list[Any]:
    """The lines of an answer, JSON as what it means; ids of server-sent events are another each time."""
    lines = (line.removeprefix("data: ") for line in output.splitlines() if line and not line.startswith("id: "))
    return [json.loads(line) if line.startswith("{") else line for line in lines]


def check_tail(script: str, up: Tivo, directory: Path) -> None:
    """It shows an event that comes after it was started."""
    shown = directory / "tail.txt"
    with shown.open("wb") as sink:
        tail = subprocess.Popen(["bash", "-c", "exec " + localized(script, up)], cwd=ROOT, stdout=sink)
    try:
        topic = script.rsplit(maxsplit=1)[-1]
        until(lambda: seen_after_another(shown, up, topic), "an event to be shown", timeout_s=20)
    finally:
        tail.terminate()
        tail.wait()
    assert json.loads(shown.read_text().splitlines()[0])["topic"] == topic


def seen_after_another(shown: Path, up: Tivo, topic: str) -> bool:
    httpx.post(f"{up.http}/v1/topics/{topic}/records", json={"x": 1, "y": 1, "mm": 1}).raise_for_status()
    return shown.stat().st_size > 0


# ---------------------------------------------------------------- the protocol


@by_page
def test_commands_are_understood(page: Path) -> None:
    for example in examples(page):
        lines = example.text.splitlines() if is_exchange(example) else [f"> {example.text}"]
        for line in lines:
            if line.startswith('> {"action"'):
                command = protocol.decode(line.removeprefix("> "))
                assert not isinstance(command, commands.Refused), f"{page.name}:{example.line}: {command}"


async def test_recorded_exchanges_come_again(up: Tivo) -> None:
    for topic, exchange in zip(("ebb", "flood"), filter(is_exchange, examples(PAGES[3])), strict=True):
        produce_tides(up, topic)
        lines = exchange.text.replace("tides", topic).splitlines()
        asked = next(line[2:] for line in lines if line.startswith("> "))
        shown = [json.loads(line[2:]) for line in lines if line.startswith("< ")]

        came = await played(up, topic, asked, len(shown))

        for notice in (each for each in shown if each["type"] != "clock"):  # when that comes is another matter
            while not same(notice, came[0]):
                assert len(came) > 1, f"line {exchange.line}: never came: {notice}"
                came.pop(0)


def produce_tides(up: Tivo, topic: str) -> None:
    """What the page produces before its first exchange."""
    shell = next(shells(PAGES[3]))
    ran = run(localized(shell.commands, up).replace("tides", topic))
    assert 0 == ran.returncode, ran.stderr
    settle(up)


async def played(up: Tivo, topic: str, command: str, least: int) -> list[dict[str, Any]]:
    """What is said to a viewer, up to the end of its window, or to the first live event."""
    came: list[dict[str, Any]] = []
    async with connect(f"{up.socket}/ws/{topic}") as socket, asyncio.timeout(20):
        await socket.send(command)
        while len(came) < least or not (came[-1]["type"] == "end" or came[-1].get("live")):
            came.append(json.loads(await socket.recv()))
            if came[-1]["type"] == "caught_up":
                async with httpx.AsyncClient() as client:
                    await client.post(
                        f"{up.http}/v1/topics/{topic}/records", json={"key": "Husum", "value": {"cm": 503}}
                    )
    return came


# ---------------------------------------------------------------- programs


@by_page
def test_python_examples(page: Path, up: Tivo) -> None:
    for example in (each for each in examples(page) if each.language == "python"):
        done = subprocess.run(
            [sys.executable, "-c", localized(example.text, up)], cwd=ROOT, capture_output=True, timeout=30, check=False
        )

        assert (0, b"") == (done.returncode, done.stderr), f"{page.name}:{example.line}: {done.stderr.decode()}"
        assert done.stdout, f"{page.name}:{example.line} printed nothing"


def scripts(page: Path) -> Iterator[Example]:
    """The JavaScript examples of a page, out of HTML too."""
    for example in examples(page):
        if example.language == "js":
            yield example
        elif example.language == "html":
            yield Example(
                "html", example.text.partition('<script type="module">')[2].partition("</script>")[0], example.line
            )


@pytest.mark.needs("node")
@by_page
def test_javascript_examples_in_node(page: Path, up: Tivo, node: str) -> None:
    for script in scripts(page):
        if "document" in script.text or "new Tivo()" in script.text:
            continue  # for a page in a browser, below
        text = localized(script.text.replace("http://127.0.0.1:8080/lib/tivo.js", LIBRARY.as_uri()), up)
        with subprocess.Popen(
            [node, "--experimental-websocket", "--no-warnings", "--input-type=module", "-e", text],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            giving_up = Timer(20, process.kill)
            giving_up.start()
            first = process.stdout.readline().decode()
            giving_up.cancel()
            process.kill()
            told = process.stderr.read().decode()

        assert re.search(r"\d", first), f"{page.name}:{script.line}: {told}"


@pytest.mark.needs("chromium")
def test_pages_in_a_browser(up: Tivo, tmp_path: Path, chromium: str) -> None:
    with serving(tmp_path) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for number, example in enumerate(each for page in PAGES for each in examples(page) if each.language == "html"):
            (tmp_path / f"{number}.html").write_text(localized(example.text, up))
            opened = browser.new_page()
            failures, said = list[str](), list[str]()
            opened.on("pageerror", partial(note_error, failures))
            opened.on("console", partial(note_words, said))
            opened.goto(f"{address}/{number}.html")
            shown = partial(opened.evaluate, PAINTED) if "<canvas" in example.text else partial(has_spoken, said)
            wait_until(opened, shown)

            assert [] == failures, example.text
            opened.close()
        browser.close()


PAINTED = """() => {
  const canvas = document.querySelector("canvas");
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((part) => part);
}"""


def note_error(failures: list[str], error: Error) -> None:
    failures.append(str(error))


def note_words(said: list[str], message: ConsoleMessage) -> None:
    said.append(message.text)


def has_spoken(said: list[str]) -> bool:
    """Whether a page has said something other than that it has no icon."""
    return any("404" not in text for text in said)


def wait_until(opened: Any, shown: Callable[[], bool]) -> None:
    for _ in range(200):
        if shown():
            return
        opened.wait_for_timeout(100)
    pytest.fail(f"nothing was shown: {opened.content()}")


class serving:  # noqa: N801  used as a function
    """A directory under an address of its own, as `python3 -m http.server` gives it one."""

    def __init__(self, directory: Path) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=os.fspath(directory)))

    def __enter__(self) -> str:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
