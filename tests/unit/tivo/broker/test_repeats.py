"""What is named more than once."""

from tivo.broker.repeats import drop_repeats, first_of_each


def test_first_of_each_key_stays_in_its_place() -> None:
    assert ["b1", "a1", "c1"] == first_of_each(["b1", "a1", "b2", "c1", "a2"], lambda item: item[0])


def test_partition_counts_once_in_its_topic_however_often_that_is_named() -> None:
    one, other, again = [0, 1, 0], [0], [1, 2, 2]

    drop_repeats([("t", one), ("u", other), ("t", again)], lambda partition: partition)

    assert ([0, 1], [0], [2]) == (one, other, again)
