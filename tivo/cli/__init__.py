"""The `tivo` command: one file per command, imported only when it is asked for."""

import importlib
import sys

import click

from tivo.model.errors import ConfigError, NeighbourError, RequestError

EXIT_WRONG = 2
EXIT_FAILED = 1
EXIT_CONFIG = 78  # sysexits' EX_CONFIG; `tivo up` does not start such a process again

COMMANDS = {
    "up": "Start everything on this machine: broker, agent, gateway.",
    "broker": "Run the embedded Kafka-compatible broker alone.",
    "agent": "Run one agent: it takes events from Kafka into the store.",
    "gateway": "Run one gateway: HTTP, WebSocket and console.",
    "demo": "Produce something to look at: a day behind, then live.",
    "topics": "List, make, describe and delete topics.",
    "groups": "List, describe, reset and delete consumer groups.",
    "users": "List, add and remove users and their tokens.",
    "produce": "Write events to a topic, one per line of input.",
    "tail": "Follow the newest events of topics as they come.",
    "play": "Play a window of topics back, at any speed.",
    "export": "Write a window of a topic to a file: NDJSON, CSV or Parquet.",
    "copy": "Copy topics and committed offsets to another Kafka cluster.",
    "log": "Dump, verify and repair the log on disk.",
    "completion": "Print the script that completes names in your shell.",
}


class _LazyGroup(click.Group):
    """Knows the commands by name; loads one only when it is used, so that `tivo broker` starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"tivo.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = importlib.import_module("difflib").get_close_matches(args[0], COMMANDS, n=1)
            if near:
                error.message += f" Did you mean {near[0]!r}?"
            raise


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tivo", prog_name="tivo")
def cli() -> None:
    """tivo, the DVR for event streams.

    Keeps events from any Kafka client, and plays any window of any topic back: faster, slower,
    looped, and on into the live stream with no event missing and none twice.

    \b
    First steps:
      tivo up --demo                                    # start it all, with something to look at
      echo '{"hello": 1}' | tivo produce greetings      # write an event
      tivo tail greetings                               # see events come
      tivo play quakes --start -1h --end now --fit 1m   # the last hour in a minute
    """


def main() -> None:
    """Run the command line; exit code 0 done, 2 asked wrongly, 78 configured wrongly, 1 something failed."""
    try:
        cli.main(prog_name="tivo", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except ConfigError as error:
        _fail(error, EXIT_CONFIG)
    except RequestError as error:
        _fail(error, EXIT_WRONG)
    except NeighbourError as error:
        _fail(error, EXIT_FAILED)


def _fail(error: Exception, code: int) -> None:
    click.echo(f"tivo: {error}", err=True)
    sys.exit(code)
