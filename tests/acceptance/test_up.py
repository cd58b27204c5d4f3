"""`tivo up` as its users meet it."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tivo import Tivo, tivo, tivo_up, until

STOPS_WITHIN_S = 5.0
DOES = ("produce with curl", "produce with kcat", "play")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tivo]:
    with tivo_up(tmp_path_factory.mktemp("up")) as up:
        yield up


def refused(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> tuple[int, str]:
    process = tivo(command, environment=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd)
    output = process.communicate(timeout=60)[0]
    return process.returncode, output.decode()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_ready_file_names_addresses_and_processes(running: Tivo) -> None:
    ready = running.ready

    assert {"http", "kafka", "pids", "private"} == ready.keys()
    assert {"broker", "agent", "gateway"} == ready["private"].keys()
    assert {"broker", "agent", "gateway"} == ready["pids"].keys()
    assert all(is_alive(pid) for pid in ready["pids"].values())
    # Another test may have killed the broker a moment ago: the gateway says so until it has reached the new one.
    until(lambda: is_ready(ready["http"]), "the gateway to be ready")
    assert is_ready(f"http://127.0.0.1:{ready['private']['agent']}")


def is_ready(http: str) -> bool:
    try:
        with urllib.request.urlopen(http + "/readyz", timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False


def printed(running: Tivo) -> dict[str, str]:
    """The lines to copy, by what they do."""
    lines = [line.strip() for line in running.messages.read_text().splitlines()]
    return {what: line.removeprefix(what).strip() for what in DOES for line in lines if line.startswith(what)}


def copied(line: str, where: Path) -> str:
    """What a printed line says in another terminal, somewhere else, with nothing of tivo on the PATH."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(where)}
    run = subprocess.run(
        ["/bin/sh", "-c", line], cwd=where, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return run.stdout


def played(line: str, where: Path) -> list[object]:
    """The values that the line for playing shows, ended where now is."""
    return [json.loads(event)["value"] for event in copied(line + " --end now", where).splitlines()]


def test_the_printed_lines_work_wherever_they_are_copied(running: Tivo, tmp_path: Path) -> None:
    lines = printed(running)

    assert [*DOES] == [*lines]
    assert '"offset"' in copied(lines["produce with curl"], tmp_path)
    assert {"hello": "world"} in played(lines["play"], tmp_path)


@pytest.mark.needs("kcat")
def test_the_printed_line_for_kcat_works(running: Tivo, tmp_path: Path) -> None:
    lines = printed(running)

    assert "" == copied(lines["produce with kcat"], tmp_path)
    assert {"hello": "kafka"} in played(lines["play"], tmp_path)


@pytest.mark.parametrize("name", ["broker", "agent", "gateway"])
def test_a_process_that_dies_is_started_again(running: Tivo, name: str) -> None:
    pid = running.ready["pids"][name]

    running.kill(name)

    running.wait_for_restart(name, pid)
    assert f"{name} (pid {pid}) was killed by SIGKILL" in running.messages.read_text()


def test_second_tivo_on_the_same_data_is_refused_by_name(running: Tivo) -> None:
    code, output = refused("up", "--data", str(running.data), "--port", "0", "--kafka-port", "0")

    assert 78 == code
    assert str(running.data) in output
    assert str(running.process.pid) in output


@pytest.mark.parametrize(("flag", "setting"), [("--port", "gateway.port"), ("--kafka-port", "kafka.port")])
def test_a_port_in_use_is_named_with_what_to_do(tmp_path: Path, flag: str, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]

        code, output = refused("up", "--data", str(tmp_path), "--port", "0", "--kafka-port", "0", flag, str(port))

    assert 78 == code
    assert f"{setting}: 127.0.0.1:{port} cannot be bound" in output
    assert "another port" in output


def test_unknown_setting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tivo.toml").write_text("[kafka]\nprot = 1\n")

    code, output = refused("up", cwd=tmp_path)

    assert 78 == code
    assert "did you mean kafka.port" in output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_all_processes_stop_in_five_seconds(tmp_path: Path, how: signal.Signals) -> None:
    with tivo_up(tmp_path) as up:
        pids = list(up.ready["pids"].values())

        before = time.monotonic()
        up.process.send_signal(how)
        up.process.wait(timeout=60)
        took_s = time.monotonic() - before

    assert took_s < STOPS_WITHIN_S
    assert 0 == up.process.returncode
    assert [] == [pid for pid in pids if is_alive(pid)]
    assert not up.ready_file.exists()


def test_children_do_not_outlive_a_killed_starter(tmp_path: Path) -> None:
    with tivo_up(tmp_path) as up:
        pids = list(up.ready["pids"].values())

        up.process.kill()
        up.process.wait()

        until(lambda: not any(map(is_alive, pids)), "the children to stop")


def test_demo_fills_a_day_and_goes_on(tmp_path: Path) -> None:
    with tivo_up(tmp_path, "--demo") as up:
        with urllib.request.urlopen(up.http + "/v1/topics", timeout=10) as answer:
            topics = {topic["name"]: topic for topic in json.load(answer)["topics"]}
        newest_us = topics["sensors"]["last_us"]

        def went_on() -> bool:
            with urllib.request.urlopen(up.http + "/v1/topics/sensors", timeout=10) as answer:
                return bool(json.load(answer)["last_us"] > newest_us)

        assert {"clicks", "quakes", "sensors"} <= topics.keys()
        until(went_on, "the demo to go on live")


def test_a_window_that_is_over_of_a_topic_that_is_not_there_is_a_mistake(running: Tivo) -> None:
    produce = urllib.request.Request(
        f"{running.http}/v1/topics/ordered/records", b'{"n": 1}', {"content-type": "application/json"}
    )
    urllib.request.urlopen(produce, timeout=10).close()
    environment = {"TIVO_URL": running.http}
    window = ("--end", "now", "--speed", "unlimited")

    near = refused("play", "orderd", *window, environment=environment)
    no_name = refused("play", "a b", *window, environment=environment)
    code, said = refused("play", "ordered", *window, environment=environment)

    assert (2, "tivo: there is no topic named 'orderd' yet; did you mean 'ordered'?\n") == near
    assert (2, True) == (no_name[0], "'a b' is no name for a topic: 1 to 249 letters" in no_name[1])
    assert (0, "played 1 event") == (code, said.splitlines()[-1])
