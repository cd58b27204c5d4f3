"""What the log takes and gives: `python -m tests.benchmarks.bench_log [--recovery-mib N] [--folder DIR]`.

Batches hold one record of so many bytes. Reads come from the page cache; a sync is the disk's own. The cost
of an append is processor time, the best of five rounds: what else the machine does stays out of it.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from tests.benchmarks import machine
from tests.support.batches import batch
from tivo.log.flusher import Flusher
from tivo.log.partition import Partition
from tivo.log.settings import LogSettings

MIB = 1 << 20
SIZES = {"100 B": (100, 40_000), "10 KB": (10_000, 20_000), "1 MB": (1_000_000, 200)}

Row = tuple[str, str, str, bool]


def opened(directory: Path, *, clean: bool = False, segment_bytes: int = 128 * MIB) -> Partition:
    settings = LogSettings(segment_bytes=segment_bytes, checkpoint_bytes=1 << 60)
    return Partition.open(directory, topic="bench", partition=0, settings=settings, clean=clean)


def filled(directory: Path, size: int, count: int, *, segment_bytes: int = 128 * MIB) -> Partition:
    partition, data = opened(directory, segment_bytes=segment_bytes), batch(b"." * size)
    for _ in range(count):
        partition.append(data, now_us=1)
    return partition


def appends(folder: Path) -> Iterator[Row]:
    """The cost of an append, and of the bare system call in it."""
    for name, (size, count) in SIZES.items():
        data = batch(b"." * size)
        whole_us = min(_append_us(folder / f"append-{size}-{round}", data, count // 5) for round in range(5))
        bare_us = min(_bare_write_us(folder / "bare", data, count // 5) for _ in range(5))
        told = f"{whole_us:8.1f} µs   (os.pwrite alone {bare_us:.1f}, {len(data) / whole_us:,.0f} MB/s)"
        bar = "15 µs above the write" if size == 100 else ""
        yield f"append of a batch of {name}", told, bar, not bar or whole_us < bare_us + 15


def _append_us(directory: Path, data: bytearray, count: int) -> float:
    partition = opened(directory)
    started = process_time()
    for _ in range(count):
        partition.append(data, now_us=1)
    return (process_time() - started) / count * 1e6


def _bare_write_us(path: Path, data: bytearray, count: int) -> float:
    fd, position = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC), 0
    try:
        started = process_time()
        for _ in range(count):
            position += os.pwrite(fd, data, position)
        return (process_time() - started) / count * 1e6
    finally:
        os.close(fd)
        path.unlink()


def commits(folder: Path) -> Iterator[Row]:
    """Appends that wait for stable storage, so many at a time, as the broker makes them: one loop, one worker."""
    for at_once in (1, 8, 64, 256):
        partition = opened(folder / f"commit-{at_once}")
        seconds, waits = asyncio.run(_commit(partition, at_once, count := 300 * min(at_once, 40)))
        waits.sort()
        p50, p99 = waits[len(waits) // 2] * 1e3, waits[len(waits) * 99 // 100] * 1e3
        told = f"{count / seconds:8,.0f} /s   (p50 {p50:.2f} ms, p99 {p99:.2f} ms)"
        yield f"append of 100 B + sync, {at_once} at once", told, "", True


async def _commit(partition: Partition, at_once: int, count: int) -> tuple[float, list[float]]:
    loop, flusher, data = asyncio.get_running_loop(), Flusher[Partition]("always", 0), batch(b"." * 100)
    waiting: list[tuple[int, asyncio.Future[None]]] = []
    waits: list[float] = []

    async def flush(workers: ThreadPoolExecutor) -> None:
        again = True
        while again:
            synced = await loop.run_in_executor(workers, partition.sync)
            done = [future for offset, future in waiting if offset < synced]
            waiting[:] = [entry for entry in waiting if entry[0] >= synced]
            for future in done:
                future.set_result(None)
            again = flusher.finished(partition, steady_us=0)

    async def appender(workers: ThreadPoolExecutor, tasks: asyncio.TaskGroup) -> None:
        for _ in range(count // at_once):
            started = perf_counter()
            offset = partition.append(data, now_us=1).last_offset
            waiting.append((offset, future := loop.create_future()))
            if flusher.appended(partition, steady_us=0):
                tasks.create_task(flush(workers))
            await future
            waits.append(perf_counter() - started)

    started = perf_counter()
    with ThreadPoolExecutor(1) as workers:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_once):
                tasks.create_task(appender(workers, tasks))
    return perf_counter() - started, waits


def reads(folder: Path) -> Iterator[Row]:
    """Reads of up to 1 MiB from start to end, every CRC checked; and of the newest batch by one who follows."""
    for name, (size, count) in SIZES.items():
        partition = filled(folder / f"read-{size}", size, count)
        batch_bytes = partition.size_bytes // count
        offset, times = 0, []
        while offset < partition.log_end:
            started = perf_counter()
            offset += len(partition.read(offset, max_bytes=MIB, upto=partition.log_end)) // batch_bytes
            times.append(perf_counter() - started)
        times.sort()
        middle = times[len(times) // 2]
        per_read = min(MIB // batch_bytes, count) * batch_bytes
        told = f"{middle * 1e3:8.2f} ms   ({per_read / middle / 1e6:,.0f} MB/s)"
        bar = "" if size == 100 else "1 ms"
        yield f"read of 1 MiB of batches of {name}", told, bar, not bar or middle < 1e-3
    yield _follow(filled(folder / "follow", 100, 10_000))


def _follow(partition: Partition) -> Row:
    data, times = batch(b"." * 100), []
    for _ in range(2_000):
        offset = partition.append(data, now_us=1).base_offset
        started = perf_counter()
        partition.read(offset, max_bytes=MIB, upto=partition.log_end)
        times.append(perf_counter() - started)
    times.sort()
    return "read of the newest batch of 100 B", f"{times[1_000] * 1e6:8.1f} µs", "", True


def recoveries(folder: Path, mebibytes: int) -> Iterator[Row]:
    """Opening after a kill, all of one segment to be scanned; and of 100 partitions, after a kill and a clean stop."""
    directory = folder / "recovery"
    partition = filled(directory, 10_000, mebibytes * MIB // 10_078, segment_bytes=1 << 40)
    partition.sync()
    size, end = partition.size_bytes, partition.log_end
    del partition
    started, processor = perf_counter(), process_time()
    recovered = opened(directory, segment_bytes=1 << 40)
    seconds, processor = perf_counter() - started, process_time() - processor
    assert recovered.log_end == end
    told = (
        f"{seconds:8.2f} s    ({size / MIB:,.0f} MiB, {size / seconds / 1e9:.1f} GB/s, {processor:.2f} s of processor)"
    )
    yield "recovery scan at batches of 10 KB", told, "0.5 GiB/s", size / seconds > 0.5 * (1 << 30)
    for number in range(100):
        filled(folder / f"many-{number}", 1_000, 100).sync()
    for how in ("a kill", "a clean stop"):
        started = perf_counter()
        partitions = [opened(folder / f"many-{number}", clean=how != "a kill") for number in range(100)]
        seconds = perf_counter() - started
        for one in partitions:
            one.close()
        yield f"open 100 partitions after {how}", f"{seconds * 1e3:8.0f} ms", "2 s", seconds < 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_log", description=__doc__)
    parser.add_argument(
        "--recovery-mib", type=int, default=1_024, metavar="N", help="size of the log that is recovered"
    )
    parser.add_argument("--folder", type=Path, help="where to write; default: the system's temporary folder")
    given = parser.parse_args()
    print(machine.told(), flush=True)
    holds = True
    with TemporaryDirectory(prefix="tivo-log-", dir=given.folder) as name:
        folder = Path(name)
        for rows in (appends(folder), commits(folder), reads(folder), recoveries(folder, given.recovery_mib)):
            for what, told, bar, is_met in rows:
                verdict = "" if not bar else f"   bar: {bar}" if is_met else f"   MISSED: {bar}"
                print(f"{what:<40} {told}{verdict}", flush=True)
                holds = holds and is_met
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
