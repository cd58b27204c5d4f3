from tests.unit.tivo.playback.events import topic
from tivo.playback.effects import ReadFrontier, WakeAt


def test_effects_are_values() -> None:
    assert ReadFrontier(1, topic()) == ReadFrontier(1, topic())
    assert WakeAt(None) != WakeAt(0)
