from tivo.playback.commands import At, Change


def test_a_change_says_whether_it_names_a_bound() -> None:
    assert Change(start=At(1)).window
    assert Change(end=At(1)).window
    assert not Change(pos=At(1)).window
