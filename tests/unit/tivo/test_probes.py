"""The private page of a process."""

import json
import urllib.error
import urllib.request

from tivo.probes import STUCK_US, Probes


class SteadyClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_us = 0

    def __call__(self) -> int:
        return self.now_us


def ask(probes: Probes, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{probes.port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_process_begins_unready_and_tells_why() -> None:
    with Probes(port=0, steady_us=SteadyClock()) as probes:
        status, body = ask(probes, "/readyz")

    assert 503 == status
    assert {"ok": False, "reasons": {"process": "starting"}, "degraded": {}} == json.loads(body)


def test_ready_when_nothing_speaks_against_it() -> None:
    with Probes(port=0, steady_us=SteadyClock()) as probes:
        probes.unready = {}

        assert (200, True) == (ask(probes, "/readyz")[0], json.loads(ask(probes, "/readyz")[1])["ok"])


def test_what_is_wrong_with_a_part_of_the_work_is_told_and_makes_nobody_unready() -> None:
    with Probes(port=0, steady_us=SteadyClock()) as probes:
        probes.unready, probes.degraded = {}, {"quakes/3": "went back"}

        status, body = ask(probes, "/readyz")

    assert 200 == status
    assert {"ok": True, "reasons": {}, "degraded": {"quakes/3": "went back"}} == json.loads(body)


def test_alive_while_the_loop_turns() -> None:
    clock = SteadyClock()
    with Probes(port=0, steady_us=clock) as probes:
        clock.now_us = STUCK_US + 1
        stuck = ask(probes, "/livez")
        probes.beat()
        alive = ask(probes, "/livez")

    assert 503 == stuck[0] and "has not turned for 10 s" in stuck[1]
    assert 200 == alive[0]


def test_metrics_are_given_as_prometheus_reads_them() -> None:
    with Probes(port=0, steady_us=SteadyClock()) as probes:
        status, body = ask(probes, "/metrics")

    assert 200 == status
    assert "process_resident_memory_bytes" in body


def test_other_paths_are_told_what_is_there() -> None:
    with Probes(port=0, steady_us=SteadyClock()) as probes:
        status, body = ask(probes, "/")

    assert 404 == status
    assert "/readyz" in body
