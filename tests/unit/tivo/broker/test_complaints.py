"""Lines of log about clients."""

import logging

import pytest

from tests.support.manual_clock import ManualClock
from tivo.broker.complaints import LONGEST, PERIOD_US, Complaints

LINES = 10


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(steady_us=PERIOD_US)


@pytest.fixture
def complaints(clock: ManualClock) -> Complaints:
    return Complaints(logging.getLogger("test"), clock, lines=LINES)


def test_each_complaint_is_a_line(complaints: Complaints, caplog: pytest.LogCaptureFixture) -> None:
    complaints.log("connection closed", host="127.0.0.1", client_id=None, count=2)

    assert ['connection closed {"host": "127.0.0.1", "count": 2}'] == caplog.messages


def test_what_clients_sent_cannot_break_or_colour_the_log(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    sent = 'a\x1b[31mb\n\r\x9b\u2028"}'

    complaints.log("refused", client_id=sent)

    assert [r'refused {"client_id": "a\u001b[31mb\n\r\u009b\u2028\"}"}'] == caplog.messages


def test_a_long_fact_is_cut(complaints: Complaints, caplog: pytest.LogCaptureFixture) -> None:
    complaints.log("refused", client_id="x" * 30_000)

    assert [len('refused {"client_id": ""}') + LONGEST] == [len(message) for message in caplog.messages]


def test_many_complaints_are_few_lines(
    complaints: Complaints, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(LINES + 5):
        complaints.log("again")
    assert LINES == len(caplog.messages)

    clock.forward(PERIOD_US)
    complaints.log("later")

    assert ["5 more lines about clients were left out", "later {}"] == caplog.messages[LINES:]


def test_quiet_times_leave_nothing_out(
    complaints: Complaints, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        complaints.log("again")
        clock.forward(PERIOD_US)

    assert ["again {}"] * 3 == caplog.messages
