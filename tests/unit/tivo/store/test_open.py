import subprocess
import sys
from pathlib import Path

import pytest

from tivo.model.errors import ConfigError
from tivo.model.event import Page
from tivo.store.memory import MemoryStore
from tivo.store.open import open_store
from tivo.store.sqlite import SqliteStore

HOLES = Page(topic="sensors", topic_id=bytes(16), partition=0, base=0, next=1, events=())


def test_scheme_names_the_store(tmp_path: Path) -> None:
    assert isinstance(open_store("memory:"), MemoryStore)
    assert isinstance(open_store(f"sqlite:///{tmp_path}/store.db"), SqliteStore)


def test_nothing_is_made_before_the_first_call(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/new/store.db")

    assert [] == list(tmp_path.iterdir())


async def test_path_may_be_relative_and_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async with open_store("sqlite:///a%20folder/50%25.db") as store:
        await store.quarantine(HOLES, "quarantine", "to make the file")

    assert (tmp_path / "a folder" / "50%.db").exists()


@pytest.mark.parametrize(
    ("url", "evidence"),
    [
        ("mysql://here/db", "the scheme is 'mysql', known are sqlite, memory"),
        ("store.db", "the scheme is ''"),
        ("", "the scheme is ''"),
        ("sqlite://host/store.db", "names the host 'host'"),
        ("sqlite:", "is a folder"),
        ("sqlite:///", "is a folder"),
        ("sqlite:////tmp", "'/tmp' is a folder"),
        ("sqlite:////dev/null/store.db", "'/dev/null' is not a folder"),
        ("sqlite:///store.db?mode=rw", "nothing may follow the path, got 'mode=rw'"),
    ],
)
def test_bad_url_is_refused_with_evidence(url: str, evidence: str) -> None:
    with pytest.raises(ConfigError, match=evidence.replace("?", "\\?")):
        open_store(url)


def test_bucket_must_be_wide(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wider than 0"):
        open_store(f"sqlite:///{tmp_path}/store.db", bucket_us=0)


def test_driver_is_imported_when_asked_for() -> None:
    probe = "import sys, tivo.store.open as o; o.open_store('memory:'); sys.exit('sqlite3' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", probe], check=False, cwd=Path(__file__).parents[4]).returncode
