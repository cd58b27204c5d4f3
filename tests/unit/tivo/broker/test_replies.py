"""Replies that come later."""

import pytest

from tivo.broker.replies import Countdown, Deferred, Parts
from tivo.model.errors import LogError
from tivo.wire.messages.heartbeat import HeartbeatResponse

RESPONSE = HeartbeatResponse()


def test_whoever_waits_is_told_once() -> None:
    told = []
    deferred = Deferred()
    deferred.on_given = lambda: told.append(deferred.response)

    deferred.give(RESPONSE)

    assert [RESPONSE] == told
    with pytest.raises(AssertionError, match="second reply"):
        deferred.give(RESPONSE)


def test_reply_may_be_there_before_anybody_waits() -> None:
    assert RESPONSE is Deferred.of(RESPONSE).response


def test_abandoned_reply_lets_go_of_what_waits_and_tells_nobody() -> None:
    told, let_go = [], []
    deferred = Deferred(on_abandoned=lambda: let_go.append(True))
    deferred.on_given = lambda: told.append(True)

    deferred.abandon()
    deferred.give(RESPONSE)

    assert ([True], []) == (let_go, told)


def test_given_reply_has_nothing_to_let_go() -> None:
    let_go = []
    deferred = Deferred(on_abandoned=lambda: let_go.append(True))
    deferred.give(RESPONSE)

    deferred.abandon()
    Deferred().abandon()

    assert [] == let_go


def test_reply_goes_out_with_its_last_part() -> None:
    parts = Parts(RESPONSE)
    parts.owe()
    parts.owe()
    parts.settle()

    deferred = parts.reply()
    assert deferred.response is None
    parts.settle()

    assert RESPONSE is deferred.response


def test_reply_without_owed_parts_goes_out_at_once() -> None:
    assert RESPONSE is Parts(RESPONSE).reply().response


def test_countdown_tells_of_all_errors_with_the_last() -> None:
    told: list[list[LogError]] = []
    countdown = Countdown(told.append)
    first, second, third = countdown.owe(), countdown.owe(), countdown.owe()
    error = LogError("disk")
    second(None)
    countdown.close()
    first(error)
    assert [] == told

    third(None)

    assert [[error]] == told


def test_countdown_of_nothing_is_over_at_once() -> None:
    told: list[list[LogError]] = []

    Countdown(told.append).close()

    assert [[]] == told
