"""The epochs of a playback, one after another, over the topics that its patterns match."""

from collections.abc import Mapping

from tivo.model.event import Cursor, Frontier
from tivo.model.timeline import Now
from tivo.playback import telling
from tivo.playback.beginnings import Awaited, Scope, resumed, sent_of
from tivo.playback.controls import Controls
from tivo.playback.credit import Credit
from tivo.playback.cursor import Standing
from tivo.playback.effects import Effect
from tivo.playback.epoch import Epoch, Outgoing
from tivo.playback.facts import Catalogue
from tivo.playback.handoff import Track
from tivo.playback.imaging import Imaging
from tivo.playback.merge import FIRST
from tivo.playback.notices import Gap, Status
from tivo.playback.progress import Bounds, Progress, Start
from tivo.playback.reading import Reading
from tivo.playback.topics import matching


class Epochs:
    """Makes epochs and keeps the present one. The effects that a method returns come before those of the next epoch."""

    def __init__(self, patterns: tuple[str, ...], catalogue: Catalogue, bounds: Bounds, credit: Credit) -> None:
        self.patterns = patterns
        self.catalogue = catalogue
        self.topics = matching(patterns, catalogue)
        self.current: Epoch | None = None
        self.number = 0
        self.out = Outgoing(credit=credit)
        self._bounds = bounds
        self._awaited: dict[str, Awaited] = {}

    # ------------------------------------------------------------ the next one

    def begin(  # noqa: PLR0913  each is where an epoch may differ
        self,
        controls: Controls,
        now: Now,
        *,
        from_us: int | None,
        iteration: int,
        goals: Mapping[str, Frontier] | None = None,
        delay_us: int | None = None,
        sent: Mapping[str, Progress] | None = None,
    ) -> list[Effect]:
        """From a time on (None: from the first event), following the live edge where there is a delay.

        Of `sent` topics it begins behind an order key, in the middle of an instant.
        """
        sent = sent or {}
        tracks = self._scope(controls).history(from_us, now, goals=goals or {}, sent=sent)
        closed, epoch = self._next(tracks, controls, from_us, iteration)
        epoch.delay_us = delay_us
        epoch.cursor = max((each.cursor for each in sent.values()), default=FIRST)
        return closed

    def begin_live(self, controls: Controls, now: Now, *, new: Start) -> list[Effect]:
        """At the live edge. Topics that were on their way there go on behind what was sent of them, others as `new`."""
        sent, cursor = sent_of(self.current)
        flushed = self.current.flush(now) if sent and self.current is not None else []
        closed, epoch = self._next(self._scope(controls).live(sent, new), controls, controls.window.start_us, 1)
        epoch.hurry, epoch.cursor = True, cursor
        return [*flushed, *closed]

    @property
    def goes_on(self) -> bool:
        """Whether something is at the live edge or on its way there, so that an epoch there goes on behind it."""
        return bool(sent_of(self.current)[0])

    def resume(
        self,
        standing: Standing,
        after: Cursor | None,
        offsets: Mapping[str, Frontier],
        controls: Controls,
        now: Now,
    ) -> tuple[list[Effect], list[Gap]]:
        """The epoch that another session stood in, behind what it sent; and gaps of topics that were made anew."""
        found = resumed(self._scope(controls), standing, after, offsets, now)
        self.number = max(self.number, standing.epoch - 1)
        closed, epoch = self._next(found.tracks, controls, standing.from_us, standing.iteration)
        self._awaited = found.awaited
        epoch.cursor = standing.behind(after)
        epoch.thinned = standing.untold(after)
        epoch.delay_us = standing.delay_us
        epoch.hurry = standing.mode == "tailing" and standing.delay_us is None
        epoch.place(standing.at_us if after is None else max(after.time_us, standing.at_us or after.time_us))
        return closed, found.gone

    def free(self) -> list[Effect]:
        """Let go of the present epoch and of what it reads."""
        epoch, self.current = self.current, None
        if epoch is None:
            return []
        image = [] if epoch.image is None else epoch.image.close()
        return [*image, *epoch.reading.close()]

    def imagine(self, controls: Controls, now: Now) -> None:
        """Let the present epoch begin with its image."""
        epoch = self.current
        assert epoch is not None, "an image is that of an epoch"
        tracks = epoch.reading.tracks.values()
        epoch.image = Imaging(epoch.number, tracks, controls.passes, pos_us=epoch.position(now))

    def _scope(self, controls: Controls) -> Scope:
        return Scope(self.topics, controls, self._bounds)

    def _next(
        self, tracks: list[Track], controls: Controls, from_us: int | None, iteration: int
    ) -> tuple[list[Effect], Epoch]:
        closed = self.free()
        self.number += 1
        self._awaited = {}
        epoch = Epoch(self.number, Reading(tracks), controls, self.out, from_us=from_us, iteration=iteration)
        self.current = epoch
        return closed, epoch

    # ------------------------------------------------------------ topics

    def subscribe(self, patterns: tuple[str, ...]) -> bool:
        """Match these from now on; whether other topics are played by it."""
        before = self.topics
        self.patterns = patterns
        self.topics = matching(patterns, self.catalogue)
        return self.topics != before

    def topics_changed(self, catalogue: Catalogue) -> bool:
        """Topics came, grew, went or were made anew; whether any that is played is gone. Those that came are joined."""
        self.catalogue = catalogue
        self.topics = matching(self.patterns, catalogue)
        if self.current is None:
            return False
        tracks = self.current.reading.tracks.values()
        gone = [track for track in tracks if not self._stands(track)]
        for track in gone:
            track.forsake()
        return bool(gone)

    def _stands(self, track: Track) -> bool:
        topic = self.topics.get(track.topic.name)
        return topic is not None and topic.topic_id == track.topic.topic_id

    def join(self, controls: Controls) -> None:
        """Take topics and partitions that are new into the present epoch; a window in the past owes nothing of them."""
        epoch = self.current
        if epoch is None:
            return
        for name, topic in self.topics.items():
            if name in epoch.reading.tracks:
                epoch.reading.tracks[name].grow(topic)
                epoch.reading.moved()
            elif not epoch.reading.goals:
                awaited = self._awaited.pop(name, None)
                known = awaited is not None and awaited.topic_id == topic.topic_id
                progress = awaited.progress if awaited is not None and known else Progress()
                scope = self._scope(controls)
                epoch.reading.join(scope.track(topic, epoch.from_us, Start.HISTORY, progress=progress))

    # ------------------------------------------------------------ where it stands

    def standing(self, status: Status, controls: Controls, now: Now) -> Standing:
        """Everything that another session needs to go on; without an epoch, at the start of the window."""
        awaited = {name: each.kept for name, each in self._awaited.items()}
        return telling.standing(status, self.number, controls.window, self.current, now, awaited=awaited)
