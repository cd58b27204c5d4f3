"""tivo, the DVR for event streams."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("tivo")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "0+source"
