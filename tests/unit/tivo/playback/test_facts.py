from tivo.playback.facts import TailRead, TailSlice


def test_a_slice_holds_nothing_unless_told() -> None:
    piece = TailSlice(partition=0, base=5, next=5, log_start=0, log_end=5)

    assert (0, False) == (len(piece.events), piece.truncated)
    assert not TailRead(1, [piece]).behind
