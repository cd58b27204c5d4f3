"""Both clocks; they stand still until a test moves them."""

from dataclasses import dataclass

from tivo.model.timeline import Now


@dataclass(slots=True)
class ManualClock:
    """A callable as the service starter gives it: `now()`."""

    wall_us: int = 1_700_000_000_000_000
    steady_us: int = 5_000_000

    def __call__(self) -> Now:
        return Now(self.wall_us, self.steady_us)

    def forward(self, span_us: int) -> None:
        self.wall_us += span_us
        self.steady_us += span_us
