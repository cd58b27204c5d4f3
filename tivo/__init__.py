"""tivo, the DVR for event streams."""


def version() -> str:
    """The version that is installed; read only when asked, since it costs every process some 20 ms."""
    from importlib.metadata import PackageNotFoundError, version as installed  # noqa: PLC0415

    try:
        return installed("tivo")
    except PackageNotFoundError:  # a source tree on the path, not installed
        return "0+source"
