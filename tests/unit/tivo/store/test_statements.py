import sqlite3

import pytest

from tivo.store.statements import migrations, named


@pytest.mark.parametrize("file", ["read", "write", "merge", "images"])
def test_every_statement_fits_the_schema(file: str) -> None:
    connection = sqlite3.connect(":memory:")
    for script in migrations("sqlite"):
        connection.executescript(script)

    for name, statement in named("sqlite", file).items():
        unbound = [None] * statement.count("?") or dict.fromkeys(
            word.strip(",()").lstrip(":") for word in statement.replace("(", " ").split() if word.startswith(":")
        )
        assert connection.execute(f"EXPLAIN {statement}", unbound).fetchall(), name
    connection.close()


def test_statement_keeps_its_text() -> None:
    assert "SELECT packed FROM pages WHERE page = ?" == named("sqlite", "read")["packed"]
