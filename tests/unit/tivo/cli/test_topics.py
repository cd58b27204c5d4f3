"""Topics on the command line."""

from click.testing import CliRunner

from tivo.cli import cli, topics
from tivo.gateway.api.topics import MAX_PARTITIONS


def test_who_does_not_confirm_is_told_that_nothing_was_deleted() -> None:
    result = CliRunner().invoke(cli, ["topics", "delete", "quakes", "--url", "http://127.0.0.1:1"], input="n\n")

    assert (1, "nothing deleted") == (result.exit_code, result.output.splitlines()[-1])


def test_as_many_partitions_may_be_asked_for_as_the_gateway_makes() -> None:
    assert MAX_PARTITIONS == topics.MAX_PARTITIONS
