"""Whose a data directory is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tivo.log import data_dir as data_dir_file
from tivo.log.data_dir import LOCK, lock
from tivo.model.errors import LogError


def test_a_data_directory_is_held_by_one_process_that_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tivo.log.data_dir import lock; "
        "held = lock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "data")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(data_dir_file.__file__).parents[2],
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        holder.stdout.readline()

        with pytest.raises(LogError, match=f"is in use by process {holder.pid}$"):
            lock(tmp_path / "data")

        holder.kill()
        holder.wait()
        lock(tmp_path / "data").release()


def test_a_lock_names_its_holder_and_can_be_taken_after_it(tmp_path: Path) -> None:
    held = lock(tmp_path)

    assert f"{os.getpid()}\n" == (tmp_path / LOCK).read_text()
    held.release()
    lock(tmp_path).release()


def test_a_holder_that_did_not_write_its_pid_is_unknown(tmp_path: Path) -> None:
    held = lock(tmp_path)
    (tmp_path / LOCK).write_bytes(b"")

    with pytest.raises(LogError, match="in use by process unknown"):
        lock(tmp_path)
    held.release()
