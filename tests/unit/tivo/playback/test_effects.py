from tests.unit.tivo.playback.events import topic
from tivo.model.timeline import Window
from tivo.playback.effects import ReadFrontier, WakeAt


def test_effects_are_values() -> None:
    assert ReadFrontier(1, topic(), Window(), {}) == ReadFrontier(1, topic(), Window(), {})
    assert WakeAt(None) != WakeAt(0)
