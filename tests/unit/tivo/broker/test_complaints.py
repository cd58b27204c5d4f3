"""Lines of log about clients."""

import logging

import pytest

from tests.support.manual_clock import ManualClock
from tivo.broker.complaints import LINES, PERIOD_US, Complaints


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(steady_us=PERIOD_US)


@pytest.fixture
def complaints(clock: ManualClock) -> Complaints:
    return Complaints(logging.getLogger("test"), clock)


def test_each_complaint_is_a_line(complaints: Complaints, caplog: pytest.LogCaptureFixture) -> None:
    complaints.log("connection from %s closed: %r", "127.0.0.1", "a\x1b[31mb\n")

    assert ["connection from 127.0.0.1 closed: 'a\\x1b[31mb\\n'"] == caplog.messages


def test_many_complaints_are_few_lines(
    complaints: Complaints, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(LINES + 5):
        complaints.log("again")
    assert LINES == len(caplog.messages)

    clock.forward(PERIOD_US)
    complaints.log("later")

    assert ["5 more lines about clients were left out", "later"] == caplog.messages[LINES:]


def test_quiet_times_leave_nothing_out(
    complaints: Complaints, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        complaints.log("again")
        clock.forward(PERIOD_US)

    assert ["again"] * 3 == caplog.messages
