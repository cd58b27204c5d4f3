"""A broker as a process of its own: `python -m tests.compat.broker_process DIR [--flush …] [--port N] [--loop …]`.

Prints one line of JSON, {"port": …, "pid": …, "private_port": …}, once clients can connect; SIGTERM stops it cleanly.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from tivo.broker.server import BrokerOptions, Server, run
from tivo.model.timeline import Now
from tivo.probes import Probes

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


def read_now() -> Now:
    return Now(time.time_ns() // 1000, time.monotonic_ns() // 1000)


def tell(probes: Probes, server: Server) -> None:
    print(json.dumps({"port": server.port, "pid": os.getpid(), "private_port": probes.port}), flush=True)


async def main(options: BrokerOptions) -> None:
    serving = asyncio.current_task()
    assert serving is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with Probes(port=0, steady_us=lambda: read_now().steady_us) as probes:
        await run(options, now=read_now, ready=partial(tell, probes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--flush", choices=("always", "interval", "os"), default="always")
    parser.add_argument("--loop", choices=LOOPS, default="uvloop", help="`tivo broker` runs uvloop")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=N", help="of BrokerOptions")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    options: dict[str, Any] = {name: int(value) for name, value in (each.split("=") for each in given.option)}
    with suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=LOOPS[given.loop]) as runner:
        runner.run(main(BrokerOptions(data=given.data, port=given.port, flush=given.flush, **options)))
