from tivo.playback.notices import Events


def test_a_frame_can_be_given_a_cursor() -> None:
    frame = Events(epoch=1, n=2, due_us=3, late_us=0, iteration=1, live=False, thinned=0, cursor=None, events=[])

    carrying = frame.with_cursor("token")

    assert "token" == carrying.cursor
    assert (1, 2, 3) == (carrying.epoch, carrying.n, carrying.due_us)
