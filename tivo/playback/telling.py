"""What a playback tells of itself: its state, its clock, and the standing that another session could go on from."""

from collections.abc import Mapping
from fractions import Fraction

from tivo.model.timeline import MILLISECOND_US, Now, Window
from tivo.playback.controls import Controls
from tivo.playback.cursor import Kept, Mode, Standing, to_token
from tivo.playback.epoch import Epoch
from tivo.playback.merge import FIRST
from tivo.playback.notices import Cause, Clock, State, Status

_MODES: dict[Status, Mode] = {Status.PLAYING: "playing", Status.TAILING: "tailing", Status.ENDED: "ended"}


def standing(
    status: Status, number: int, window: Window, epoch: Epoch | None, now: Now, *, awaited: Mapping[str, Kept]
) -> Standing:
    """Where the playback stands; without an epoch, at the start of its window. `awaited` topics are not there yet."""
    mode = _MODES.get(status, "paused")
    if epoch is None:
        return Standing(1, mode, number, window.start_us, window.end_us, None, None, 1, None, 0, FIRST, {})
    kept = {
        name: Kept(track.topic.topic_id, told.base, told.frontier, track.goal, track.at_edge)
        for (name, track), told in zip(
            epoch.reading.tracks.items(), epoch.reading.progress(epoch.cursor).values(), strict=True
        )
    }
    return Standing(
        version=1,
        mode=mode,
        epoch=number,
        start_us=window.start_us,
        end_us=window.end_us,
        from_us=epoch.from_us,
        at_us=epoch.position(now),
        iteration=epoch.iteration,
        delay_us=epoch.delay_us,
        thinned=epoch.thinned,
        cursor=epoch.cursor,
        topics={**awaited, **kept},
        imaged=epoch.image is None,
    )


def state(shown: Status, cause: Cause, controls: Controls, epoch: Epoch | None, stands: Standing) -> State:
    """The state, under the status that is shown."""
    return State(
        status=shown,
        cause=cause,
        start_us=controls.window.start_us,
        end_us=controls.window.end_us,
        pos_us=controls.window.start_us if epoch is None else stands.at_us,
        speed=controls.speed,
        iteration=stands.iteration,
        epoch=stands.epoch,
        cursor=to_token(stands),
        controls=controls.describe(),
    )


def clock(speed: Fraction | None, window: Window, position_us: int | None, slip_us: int, now: Now) -> Clock:
    """How the position moves, and how far it is from the live edge and from the end of the window."""
    fraction = eta_ms = None
    if position_us is not None and window.end_us is not None:
        if window.start_us is not None:
            span_us = max(window.end_us - window.start_us, 1)
            fraction = min(1.0, max(0.0, (position_us - window.start_us) / span_us))
        if speed is not None:
            eta_ms = int((window.end_us - position_us) / speed) // MILLISECOND_US
    return Clock(
        pos_us=position_us,
        wall_us=now.wall_us,
        speed=speed,
        slip_ms=slip_us // MILLISECOND_US,
        lag_ms=None if position_us is None else max(0, now.wall_us - position_us) // MILLISECOND_US,
        fraction=fraction,
        eta_ms=eta_ms,
    )
