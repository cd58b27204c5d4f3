from tivo.log.flusher import Flusher


def test_an_idle_partition_is_synced_at_once() -> None:
    assert Flusher[str]("always", 0).appended("a", steady_us=0)


def test_at_most_one_sync_of_a_partition_is_under_way() -> None:
    flusher = Flusher[str]("always", 0)
    flusher.appended("a", steady_us=0)

    assert not flusher.appended("a", steady_us=1)
    assert not flusher.appended("a", steady_us=2)


def test_what_was_appended_meanwhile_shares_the_next_sync() -> None:
    flusher = Flusher[str]("always", 0)
    flusher.appended("a", steady_us=0)
    flusher.appended("a", steady_us=1)
    flusher.appended("a", steady_us=2)

    assert flusher.finished("a", steady_us=3)
    assert not flusher.finished("a", steady_us=4)
    assert flusher.appended("a", steady_us=5)


def test_partitions_do_not_wait_for_each_other() -> None:
    flusher = Flusher[str]("always", 0)
    flusher.appended("a", steady_us=0)

    assert flusher.appended("b", steady_us=0)


def test_interval_waits_for_its_end() -> None:
    flusher = Flusher[str]("interval", 100)

    assert not flusher.appended("a", steady_us=1_000)
    assert not flusher.appended("a", steady_us=50_000)
    assert 101_000 == flusher.wake_us
    assert [] == flusher.due(steady_us=100_999)
    assert ["a"] == flusher.due(steady_us=101_000)
    assert flusher.wake_us is None


def test_what_comes_during_an_interval_sync_waits_again() -> None:
    flusher = Flusher[str]("interval", 100)
    flusher.appended("a", steady_us=0)
    flusher.due(steady_us=100_000)
    flusher.appended("a", steady_us=100_001)

    assert not flusher.finished("a", steady_us=110_000)
    assert 210_000 == flusher.wake_us


def test_the_partition_that_waited_longest_is_due_first() -> None:
    flusher = Flusher[str]("interval", 100)
    flusher.appended("a", steady_us=0)
    flusher.appended("b", steady_us=10)

    assert 100_000 == flusher.wake_us
    assert ["a", "b"] == flusher.due(steady_us=200_000)


def test_os_leaves_it_to_the_system() -> None:
    flusher = Flusher[str]("os", 0)

    assert not flusher.appended("a", steady_us=0)
    assert flusher.wake_us is None


def test_a_new_segment_has_the_one_before_sealed_in_every_mode() -> None:
    assert Flusher[str]("os", 0).appended("a", steady_us=0, rolled=True)
    assert Flusher[str]("interval", 100).appended("a", steady_us=0, rolled=True)
    assert Flusher[str]("always", 0).appended("a", steady_us=0, rolled=True)


def test_a_sealing_ends_the_interval() -> None:
    flusher = Flusher[str]("interval", 100)
    flusher.appended("a", steady_us=0)

    flusher.appended("a", steady_us=1, rolled=True)

    assert flusher.wake_us is None


def test_os_syncs_again_only_for_a_segment_that_was_sealed_meanwhile() -> None:
    flusher = Flusher[str]("os", 0)
    flusher.appended("a", steady_us=0, rolled=True)
    flusher.appended("a", steady_us=1)

    assert not flusher.finished("a", steady_us=2)

    flusher.appended("a", steady_us=3, rolled=True)
    flusher.appended("a", steady_us=4, rolled=True)

    assert flusher.finished("a", steady_us=5)


def test_a_forgotten_partition_is_not_synced_again() -> None:
    flusher = Flusher[str]("interval", 100)
    flusher.appended("a", steady_us=0)
    flusher.appended("b", steady_us=0)
    flusher.due(steady_us=100_000)
    flusher.appended("b", steady_us=100_001)

    flusher.forget("a")
    flusher.forget("b")
    flusher.forget("never seen")

    assert not flusher.finished("a", steady_us=100_002)
    assert not flusher.finished("b", steady_us=100_002)
    assert flusher.wake_us is None
