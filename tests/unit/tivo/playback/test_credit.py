from tivo.playback.credit import LOST_US, SLOW_US, Credit


def test_a_viewer_without_frames_is_neither_slow_nor_lost() -> None:
    credit = Credit()

    assert not credit.blocked(0)
    assert credit.slow_us is None
    assert credit.lost_us is None


def test_a_viewer_that_never_acks_is_judged_by_the_outbox() -> None:
    credit = Credit()
    credit.sent(1, 0)
    before = credit.blocked(5 * SLOW_US)

    credit.outbox(full=True, steady_us=100)

    assert not before
    assert credit.blocked(100)
    assert not credit.slow(100)
    assert credit.slow(100 + SLOW_US)
    assert 100 + LOST_US == credit.lost_us


def test_a_drained_outbox_is_progress() -> None:
    credit = Credit()
    credit.outbox(full=True, steady_us=0)

    credit.outbox(full=False, steady_us=5)

    assert not credit.blocked(5)
    assert credit.lost_us is None


def test_a_viewer_that_acks_is_slow_a_second_behind_its_oldest_frame() -> None:
    credit = Credit(counted=True)
    credit.sent(1, 10)
    credit.sent(2, 500)

    credit.acked(1, 600)

    assert 500 + SLOW_US == credit.slow_us
    assert not credit.blocked(500 + SLOW_US - 1)
    assert credit.blocked(500 + SLOW_US)


def test_an_ack_counts_the_viewer_from_then_on() -> None:
    credit = Credit()
    credit.sent(1, 0)
    credit.sent(2, 0)

    credit.acked(1, 10)

    assert credit.counted
    assert SLOW_US == credit.slow_us


def test_progress_is_counted_from_the_last_ack() -> None:
    credit = Credit(counted=True)
    credit.sent(1, 0)
    credit.sent(2, 0)

    credit.acked(1, 7)
    credit.acked(1, 9)

    assert 7 + LOST_US == credit.lost_us


def test_waiting_is_counted_from_the_first_frame_after_rest() -> None:
    credit = Credit(counted=True)
    credit.sent(1, 0)
    credit.acked(1, 1)

    credit.sent(2, 50)

    assert 50 + LOST_US == credit.lost_us


def test_frames_of_an_old_epoch_are_not_waited_for() -> None:
    credit = Credit(counted=True)
    credit.sent(1, 0)

    credit.forget()

    assert credit.lost_us is None
    assert not credit.blocked(10 * SLOW_US)


def test_frames_on_their_way_are_bounded() -> None:
    credit = Credit(counted=True)

    for n in range(2_048):
        credit.sent(n, 0)

    assert credit.blocked(0)


def test_frames_nobody_counts_are_not_kept_for_ever() -> None:
    credit = Credit()
    for n in range(5_000):
        credit.sent(n, 0)

    credit.acked(2_047, 1)

    assert credit.slow_us is None


def test_a_full_outbox_of_a_viewer_that_acks_blocks_and_is_not_slowness() -> None:
    credit = Credit(counted=True)

    credit.outbox(full=True, steady_us=0)

    assert credit.blocked(0)
    assert credit.slow_us is None
    assert credit.lost_us is None
