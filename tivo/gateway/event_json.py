"""An event as HTTP gives it: the event object of the playback protocol, on one line."""

from tivo.model.event import Event
from tivo.playback.encoding import event_bodies
from tivo.playback.notices import Shown

_BREAKS = bytes.maketrans(b"\r\n", b"  ")
"""A JSON text has bare line breaks between its tokens only, where a space means the same."""


def event_json(event: Event, topic_id: bytes) -> bytes:
    """The event, its value spliced in as it is stored but for line breaks."""
    (body,) = event_bodies((Shown(event, topic_id, due_us=0),), 0)
    return body.translate(_BREAKS)
