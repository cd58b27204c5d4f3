"""Who may, against a tivo of real processes: the same tokens for commands, library and raw requests."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect as open_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.tivo import Tivo, tivo, tivo_up, until
from tests.support.tokens import users
from tivo import users_file
from tivo.client.viewer import Viewer
from tivo.model.errors import GatewayError

pytestmark = pytest.mark.timeout(120)

ADA, BEN, CLEO = "ada-1b7f0c", "ben-93ad5e", "cleo-d04a11"
HOLDERS = {ADA: ("read:a.",), BEN: ("write:a.",), CLEO: ("admin",)}


class Asking:
    """A tivo that asks for tokens, and its users file."""

    def __init__(self, up: Tivo, file: Path, folder: Path) -> None:
        self.up = up
        self.file = file
        self._folder = folder

    def keep(self, *tokens: str) -> None:
        """Let the users file hold these tokens and no other."""
        users_file.write(self.file, users(**{token: HOLDERS[token] for token in tokens}))

    def run(self, token: str | None, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """A command with a token out of a file."""
        file = self._folder / "token"
        file.write_text(f"{token}\n")
        shown = () if token is None else ("--token-file", str(file))
        process = tivo(
            [command[0], "--url", self.up.http, *shown, *command[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        out, told = process.communicate(given, timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, out, told)


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """Ada reads and Ben writes what begins with `a.`, Cleo may everything; there are topics `a.x` and `b`."""
    folder = tmp_path_factory.mktemp("access")
    file = folder / "users.toml"
    users_file.write(file, users(**HOLDERS))
    environment = {"TIVO_GATEWAY_AUTH": "tokens", "TIVO_USERS_FILE": str(file)}
    with tivo_up(folder, environment=environment) as up:
        made = Asking(up, file, folder)
        for topic in ("a.x", "b"):
            assert 0 == made.run(CLEO, "topics", "create", topic).returncode
        yield made


@pytest.fixture(autouse=True)
def everybody(asking: Asking) -> Iterator[None]:
    yield
    asking.keep(*HOLDERS)


def test_commands_do_with_a_token_what_its_scopes_let_them(asking: Asking) -> None:
    produced = asking.run(BEN, "produce", "a.x", given='{"n": 1}\n{"n": 2}\n')
    listed = asking.run(ADA, "topics", "--json")
    played = asking.run(ADA, "play", "a.x", "--speed", "unlimited", "--count", "2")
    refused = asking.run(ADA, "produce", "a.x", given="{}\n")

    assert (0, "wrote 2 events to a.x\n") == (produced.returncode, produced.stderr)
    assert '"a.x"' in listed.stdout and '"b"' not in listed.stdout
    assert (0, 2) == (played.returncode, played.stdout.count('"value":{"n"'))
    assert 2 == refused.returncode and "wants the scope `write:a.x`" in refused.stderr


@pytest.mark.parametrize("command", [("topics",), ("tail", "a.x"), ("play", "a.x")])
def test_commands_without_a_token_say_how_to_give_one(asking: Asking, command: tuple[str, ...]) -> None:
    told = asking.run(None, *command)

    assert told.returncode in {1, 2}
    assert "--token-file or TIVO_TOKEN" in told.stderr


def test_a_token_in_the_environment_serves_too(asking: Asking) -> None:
    process = tivo(
        ["topics", "--json", "--url", asking.up.http], environment={"TIVO_TOKEN": ADA}, stdout=subprocess.PIPE
    )
    out, _ = process.communicate(timeout=60)

    assert b'"a.x"' in out


def test_a_token_made_by_the_command_is_good_at_once_until_the_command_takes_it_away(asking: Asking) -> None:
    environment = {"TIVO_USERS_FILE": str(asking.file)}

    def users_command(*command: str, given: str = "") -> str:
        process = tivo(
            ["users", *command], environment=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        out, _ = process.communicate(given, timeout=60)
        assert 0 == process.returncode
        return out.strip()

    users_command("add", "dora", given="a password\n")
    token = users_command("token", "add", "dora", "--label", "desk", "--scope", "read:b")
    listed = asking.run(token, "topics", "--json")
    users_command("token", "remove", "dora", "desk")
    until(lambda: 0 != asking.run(token, "topics").returncode, "the token to be worth nothing", timeout_s=20)

    assert '"b"' in listed.stdout and '"a.x"' not in listed.stdout


def test_a_viewer_is_refused_with_what_it_lacks(asking: Asking) -> None:
    async def play(token: str | None, topic: str) -> None:
        async with Viewer(asking.up.http, topic, token=token, autoplay=True) as viewer:
            await viewer.topics()

    asyncio.run(play(ADA, "a.x"))
    with pytest.raises(GatewayError, match="unauthorized"):
        asyncio.run(play(None, "a.x"))
    with pytest.raises(GatewayError, match=r"forbidden.*`read:b`"):
        asyncio.run(play(ADA, "b"))


def test_a_token_that_is_taken_away_ends_socket_and_stream_and_the_others_go_on(asking: Asking) -> None:
    bearer = {"Authorization": f"Bearer {ADA}"}
    with (
        connect(f"{asking.up.socket}/ws/a.x", additional_headers=bearer) as gone,
        connect(f"{asking.up.socket}/ws/a.x", additional_headers={"Authorization": f"Bearer {CLEO}"}) as stays,
        httpx.stream("GET", f"{asking.up.http}/v1/topics/a.x/tail", headers=bearer, timeout=30) as stream,
    ):
        asking.keep(BEN, CLEO)
        with pytest.raises(ConnectionClosed):
            while gone.recv(timeout=10):
                pass
        rest = b"".join(stream.iter_raw())
        stays.send('{"action":"state","id":"1"}')
        while '"ack"' not in str(stays.recv(timeout=10)):
            pass

    assert 4401 == gone.close_code
    assert rest.startswith(b"retry:")
    again = httpx.get(f"{asking.up.http}/v1/topics", headers=bearer)
    assert 401 == again.status_code


def test_a_thousand_guesses_cost_one_line_and_no_memory_and_keep_nobody_waiting(asking: Asking) -> None:
    pid = asking.up.ready["pids"]["gateway"]
    lines, resident = asking.up.messages.read_text().count("refused"), resident_bytes(pid)

    async def guess() -> tuple[set[int], set[int | None], list[int]]:
        gate = asyncio.Semaphore(50)

        async def ask(number: int) -> int:
            async with gate:
                answer = await http.get("/v1/topics", headers={"Authorization": f"Bearer guess-{number}"})
            return answer.status_code

        async def open_socket(number: int) -> int | None:
            async with gate, open_async(f"{asking.up.socket}/ws/a.x?ticket=guess-{number}") as socket:
                await socket.wait_closed()
            return socket.close_code

        async def ada() -> list[int]:
            bearer = {"Authorization": f"Bearer {ADA}"}
            return [(await http.get("/v1/topics/a.x", headers=bearer, timeout=5)).status_code for _ in range(20)]

        async with httpx.AsyncClient(base_url=asking.up.http, timeout=60) as http:
            right = asyncio.create_task(ada())
            asked = await asyncio.gather(*(ask(number) for number in range(700)))
            closed = await asyncio.gather(*(open_socket(number) for number in range(300)))
            return set(asked), set(closed), await right

    asked, closed, right = asyncio.run(guess())

    assert ({401, 429}, 20 * [200]) == (asked, right)
    assert closed <= {4401, 1013}
    assert asking.up.messages.read_text().count("refused") - lines <= 1
    assert resident_bytes(pid) - resident <= 32 * 2**20


def resident_bytes(pid: int) -> int:
    """Memory that a process holds."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1_024


def test_nothing_secret_is_written_down(asking: Asking) -> None:
    ticket = httpx.post(f"{asking.up.http}/v1/tickets", headers={"Authorization": f"Bearer {ADA}"}).json()["ticket"]
    guess = "guess-5f3c09"
    httpx.get(f"{asking.up.http}/v1/topics", headers={"Authorization": f"Bearer {guess}"})
    httpx.post(f"{asking.up.http}/v1/login", json={"token": guess})
    with connect(f"{asking.up.socket}/ws/a.x?ticket={ticket}") as socket:
        socket.recv(timeout=10)
    with connect(f"{asking.up.socket}/ws/a.x?ticket={ticket}") as used:
        used.recv(timeout=10)

    written = asking.up.messages.read_text()
    written += httpx.get(f"{asking.up.http}/metrics", headers={"Authorization": f"Bearer {CLEO}"}).text

    assert "the token is unknown" in written  # for the guesses of this test, or of one before it
    assert [] == [secret for secret in (*HOLDERS, guess, ticket) if secret in written]
    assert 'tivo_gateway_refused_total{why="wrong"}' in written
