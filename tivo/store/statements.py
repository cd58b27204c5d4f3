"""The statements of a dialect: named ones, and the numbered migrations that make its schema."""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def named(dialect: str, file: str) -> dict[str, str]:
    """The statements of `sql/<dialect>/<file>.sql` by name; each begins with a line `-- name: …`."""
    _, *parts = _NAME.split((files(__package__) / "sql" / dialect / f"{file}.sql").read_text("utf-8"))
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def migrations(dialect: str) -> list[str]:
    """The scripts that lead from an empty database to today's schema, in order; the nth makes version n."""
    folder = files(__package__) / "sql" / dialect / "migrations"
    scripts = sorted(
        (entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".sql")
    )
    for number, (name, _) in enumerate(scripts, start=1):
        assert name.startswith(f"{number:04d}_"), f"{name} is not migration {number}"
    return [script for _, script in scripts]
