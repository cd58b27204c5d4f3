"""Every target for some thousand inputs made of good ones; `make fuzz` goes on for as long as it is told."""

import logging
import random
from itertools import islice

import pytest

from tests.fuzz.logins import NAME, USERS, answered, log_in, logins
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import MOST_BYTES, TARGETS, Target
from tivo.auth.principals import Principal
from tivo.auth.scram import ScramServer


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_break_it(name: str, request: pytest.FixtureRequest) -> None:
    runs = int(request.config.getoption("--fuzz-runs"))
    target = TARGETS[name]

    for data in islice(mutated(target.seeds(), random.Random(name), most_bytes=MOST_BYTES), runs):
        try:
            target.read(data)
        except Exception as error:
            raise AssertionError(f"{name}: bytes.fromhex({data.hex()!r})") from error


def test_a_target_that_breaks_is_caught() -> None:
    def read(data: bytes) -> None:
        assert b"\xff\xff\xff\xff" not in data

    broken = Target(read, lambda: [bytes(40)])
    inputs = islice(mutated(broken.seeds(), random.Random(1), most_bytes=MOST_BYTES), 3_000)

    with pytest.raises(AssertionError):
        for data in inputs:
            broken.read(data)


class Credulous(ScramServer):
    """Takes whatever is shown for a proof."""

    def _is_proven(self, said: bytes, proof: bytes) -> bool:
        return True


def test_a_server_that_takes_any_proof_is_caught() -> None:
    let_in = [answered(data, ScramServer, USERS).principal for data in logins()]

    assert [Principal(NAME), Principal(NAME), None, None] == let_in
    with pytest.raises(AssertionError, match="without a proof"):
        for data in logins():
            log_in(data, Credulous)
