"""tivo, the DVR for event streams."""


def version() -> str:
    """The version that is installed; read only when asked, since it costs every process some 20 ms."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("tivo")
    except PackageNotFoundError:  # a source tree on the path, not installed
        return "0+source"
