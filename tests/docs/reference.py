"""The reference pages that follow from the code: written by `make docs`, compared by a test."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

import click

from tivo import config, metrics
from tivo.broker.assembly import topic_settings_of
from tivo.broker.handlers import SERVED
from tivo.broker.options import BrokerOptions
from tivo.broker.topic_settings import KNOWN
from tivo.cli import COMMANDS, cli
from tivo.config import Setting

DOCS = Path(__file__).parents[2] / "docs" / "reference"


def pages() -> dict[str, str]:
    """File name → text of every generated page."""
    return {
        "settings.md": settings_page(),
        "command-line.md": command_line_page(),
        "metrics.md": metrics_page(),
        "topic-settings.md": topic_settings_page(),
        "kafka-protocol.md": kafka_page(),
    }


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "One `tivo.toml` in the directory where tivo is started (or `--config FILE`, or `TIVO_CONFIG`), the",
        "environment, and flags; the later win. A key that tivo does not know is refused.",
        "Durations are a number and a unit of `s m h d M y`.",
        "",
        "Commands that talk to a gateway find it by `--url`, the variable `TIVO_URL`, or else `gateway.host` and",
        "`gateway.port`; the token they show comes from `--token-file` or the variable `TIVO_TOKEN`.",
        "",
        "| setting | variable | type | default | what |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{each.key}` | `{each.variable}` | {_type(each)} | {_default(each)} | {each.description} |"
        for each in config.all_settings()
    ]
    return "\n".join(lines) + "\n"


def _type(setting: Setting) -> str:
    kind = get_args(setting.type)[0]
    if kind is config.Duration or "pattern" in str(setting.type):
        return "duration"
    if get_origin(kind) is Literal:
        return " \\| ".join(f"`{choice}`" for choice in get_args(kind))
    text = str(setting.type)
    return (
        next(name for name in ("bool", "tuple", "int", "str") if name in text)
        .replace("tuple", "list")
        .replace("str", "text")
    )


def _default(setting: Setting) -> str:
    match setting.default:
        case None:
            return "unset"
        case ():
            return "none"
        case bool() as value:
            return f"`{str(value).lower()}`"
        case value:
            return f"`{value}`"


def command_line_page() -> str:
    sections = ["# The command line\n", _help("tivo", cli)]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        sections.append(f"## tivo {name}\n")
        sections.append(_help(f"tivo {name}", command))
        sections.extend(_below(f"tivo {name}", command))
    return "\n".join(sections)


def _below(name: str, command: click.Command) -> Iterator[str]:
    """The sections of a group's commands, and of theirs."""
    for sub, subcommand in command.commands.items() if isinstance(command, click.Group) else ():
        yield f"### {name} {sub}\n"
        yield _help(f"{name} {sub}", subcommand)
        yield from _below(f"{name} {sub}", subcommand)


def _help(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100, **cli.context_settings)
    return f"```\n{command.get_help(context)}\n```\n"


def metrics_page() -> str:
    lines = [
        "# Metrics",
        "",
        "Every process serves these at `/metrics` of its private port, in the format of Prometheus, beside the",
        "usual `process_*` and `python_*`; the gateway also at `/metrics` of its public port.",
        "",
        "| metric | kind | labels | what |",
        "|---|---|---|---|",
    ]
    for metric in _metrics():
        labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "–"
        suffix = "_total" if metric._type == "counter" else ""
        lines.append(f"| `{metric._name}{suffix}` | {metric._type} | {labels} | {metric._documentation} |")
    return "\n".join(lines) + "\n"


def _metrics() -> Iterator[metrics.Counter | metrics.Gauge | metrics.Histogram]:
    found = [
        each for each in vars(metrics).values() if isinstance(each, metrics.Counter | metrics.Gauge | metrics.Histogram)
    ]
    yield from sorted(found, key=lambda metric: metric._name)


def topic_settings_page() -> str:
    options = BrokerOptions(data=Path())
    defaults = topic_settings_of(options)
    acting = {name: known for name, known in KNOWN.items() if known.effect is not None}
    kept = {name: known for name, known in KNOWN.items() if known.effect is None}
    lines = [
        "# Settings of topics",
        "",
        "Given when a topic is made, or changed later (AlterConfigs, IncrementalAlterConfigs), under the names that",
        "Kafka gives them. Defaults are those of a broker whose own settings are. What they bring about is told in",
        "[What the log keeps and lets go](../explanation/keeping-and-letting-go.md).",
        "",
        "| setting | default | what |",
        "|---|---|---|",
        *(f"| `{name}` | `{known.default(defaults)}` | {known.effect} |" for name, known in sorted(acting.items())),
        "",
        "## Kept without effect",
        "",
        "These tune how Kafka works inside. They are checked, kept and given back, and change nothing here.",
        "",
        "| setting | default |",
        "|---|---|",
        *(f"| `{name}` | `{known.default(defaults)}` |" for name, known in sorted(kept.items())),
        "",
        "Any other name is refused with INVALID_CONFIG.",
    ]
    return "\n".join(lines) + "\n"


def kafka_page() -> str:
    apis = sorted((request.api for request in SERVED.values()), key=lambda api: api.key)
    lines = [
        "# The Kafka protocol that the embedded broker speaks",
        "",
        "What ApiVersions tells clients, from the same table that serves them. Produce is listed from version 0 on,",
        "and served from 3: older clients of librdkafka look for the 0 before they compress (KAFKA-18659).",
        "",
        "| key | API | served versions |",
        "|---|---|---|",
        *(f"| {api.key} | {api.name} | {api.first}–{api.last} |" for api in apis),
        "",
        "Not offered, and so not listed: the consumer protocol of KIP-848, share groups, telemetry, OAUTHBEARER,",
        "delegation tokens, quotas set by clients, what asks about quorums of controllers, DescribeTopicPartitions",
        "(clients then ask Metadata), and everything that brokers say to each other. A client that needs one of these",
        "wants a Kafka cluster, and tivo runs beside it. [What has been run](compatibility.md), with the results.",
        "",
        "## What differs from a Kafka broker",
        "",
        "- With `log.flush = always` a record is acknowledged, whatever its acks, only when it is on disk, and",
        "  consumers see nothing that is not. Kafka syncs when the operating system likes and relies on replicas.",
        "- One broker, no replicas: replication factors other than 1 are refused, every leader is the preferred one,",
        "  and partitions are moved neither between brokers nor between disks (APIs 34 and 45 are not listed).",
        "- Age counts from a segment's last arrival; with `tivo.retention.time=record` from the newest record, as in",
        "  Kafka. Records without a key that came before a topic was compacted are kept.",
        "- A batch dated more than an hour ahead is refused with INVALID_TIMESTAMP (as in Kafka since 4.0).",
        "- Settings of topics are changed while it runs and count at once; those of the broker are what it was started",
        "  with (see [settings](settings.md)): told to admin clients, and read-only.",
        "- Transactions are those of `transaction.version` 1 (no epoch bump at each end, KIP-890). EndTxn is answered",
        "  when its markers are written, so that what is committed can be read at once: see",
        "  [transactions](../explanation/transactions.md).",
        "- Fetch sessions are answered with session 0: clients then send whole fetches.",
        "- Users are those of the users file, and a login holds as long as its connection: users managed by clients,",
        "  delegation tokens, OAUTHBEARER and GSSAPI are not offered. Without `kafka.authorizer = acl` the APIs of",
        "  access control answer SECURITY_DISABLED. See [Let others into the broker](../how-to/let-others-in.md).",
        "- A group's first rebalance waits 0.1 s for further members, not 3 s; any waits 1 s at least for members",
        "  that allow it less.",
        "- Committed offsets stay until they, their group or their topic are deleted; Kafka forgets them 7 days after",
        "  the group's last member has gone (`offsets.retention.minutes`). A transactional id without an open",
        "  transaction is forgotten after 7 days, as in Kafka (`transactional.id.expiration.ms`).",
        "- Group and transactional ids have 32,767 bytes at most, as Kafka's log can keep, names of topics and",
        "  instance ids of static members 249; what is longer is refused by whatever API it comes with",
        "  (INVALID_GROUP_ID, INVALID_REQUEST, INVALID_TOPIC_EXCEPTION). A member's own id begins with no more than",
        "  100 characters of its client's.",
        "- A member brings 256 KiB at most, all members of a group 8 MiB: protocols with their names and metadata,",
        "  the names of client and instance, what they are assigned, and 2 kB for each. All groups take 32 MiB, those",
        "  of one user (whoever came into a group first) 24 MiB; then who is in one stays, and others get",
        "  GROUP_MAX_SIZE_REACHED. 8 MiB more are kept for assignments alone, half of them for one user's groups.",
        "- A group that nobody is in and that has committed nothing is forgotten when the journal of the groups is",
        "  shortened (Kafka: within 10 minutes).",
        "- One request has 131,072 elements of arrays and tagged fields at most. One FindCoordinator, DescribeGroups,",
        "  DeleteGroups or LeaveGroup names 1,000 keys, groups or members, one OffsetCommit, TxnOffsetCommit or",
        "  OffsetDelete as many partitions as the broker may have, or 1,000 where that is fewer; for more all get",
        "  POLICY_VIOLATION. Of the records without a key in a batch for a compacted topic the first 100 are named.",
    ]
    return "\n".join(lines) + "\n"


def write() -> None:
    DOCS.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (DOCS / name).write_text(text)
        sys.stdout.write(f"wrote docs/reference/{name}\n")


if __name__ == "__main__":
    write()
