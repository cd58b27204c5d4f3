"""Which addresses a broker binds."""

from pathlib import Path
from typing import Any

import pytest

from tivo.broker.options import BrokerOptions, bindable
from tivo.model.errors import ConfigError


def options(**changes: Any) -> BrokerOptions:
    return BrokerOptions(data=Path("data"), **changes)


@pytest.mark.parametrize(
    ("host", "bound"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1"), ("127.8.8.8",) * 2]
)
def test_loopback_is_bound(host: str, bound: str) -> None:
    assert bound == bindable(options(host=host))


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.5", "0.0.0.0", "::"])
def test_other_machines_come_in_only_where_that_is_said(host: str) -> None:
    with pytest.raises(ConfigError, match="other machines"):
        bindable(options(host=host))

    assert host == bindable(options(host=host, insecure=True, advertised_host="kafka.example"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_address_needs_one_to_tell(host: str) -> None:
    with pytest.raises(ConfigError, match="clients"):
        bindable(options(host=host, insecure=True))


def test_name_is_no_address() -> None:
    with pytest.raises(ConfigError, match=r"kafka\.example"):
        bindable(options(host="kafka.example"))
