"""Error codes are those of Kafka."""

from kio.schema.errors import ErrorCode as Oracle

from tivo.wire.error_codes import ErrorCode


def test_every_code_bears_the_name_and_number_that_kafka_gives_it() -> None:
    assert {code.name.upper(): code.value for code in Oracle} == {code.name: code.value for code in ErrorCode}


def test_no_error_is_false() -> None:
    assert not ErrorCode.NONE
