"""Which settings of a broker go together."""

from pathlib import Path
from typing import Any

import pytest

from tivo.broker.listeners import Listener, Security, TlsOptions
from tivo.broker.options import BrokerOptions, check
from tivo.model.errors import ConfigError

TLS = TlsOptions(certificate=Path("c"), key=Path("k"))


def options(**changes: Any) -> BrokerOptions:
    return BrokerOptions(data=Path("data"), **changes)


def test_first_listener_comes_before_the_further_ones() -> None:
    more = Listener(security=Security.SSL, port=1)

    made = options(host="::1", port=2, advertised_host="here", advertised_port=3, listeners=(more,))

    assert (Listener(host="::1", port=2, advertised_host="here", advertised_port=3), more) == made.all_listeners


def test_defaults_go_together() -> None:
    check(options())


def test_other_machines_come_in_only_where_they_are_asked_or_that_is_said() -> None:
    with pytest.raises(ConfigError, match="other machines"):
        check(options(host="10.0.0.1"))

    check(options(host="10.0.0.1", insecure=True))
    check(options(host="10.0.0.1", security=Security.SASL_PLAINTEXT, users_file=Path("u")))


def test_every_listener_is_looked_at() -> None:
    with pytest.raises(ConfigError, match=r"10\.0\.0\.1 .* is reached from other machines"):
        check(options(listeners=(Listener(host="10.0.0.1"),)))
    with pytest.raises(ConfigError, match=r"SSL at 127\.0\.0\.1:1 needs a certificate"):
        check(options(listeners=(Listener(security=Security.SSL, port=1),)))

    check(options(listeners=(Listener(security=Security.SSL, port=1),), tls=TLS))


def test_logging_in_needs_users() -> None:
    with pytest.raises(ConfigError, match="needs a users file"):
        check(options(listeners=(Listener(security=Security.SASL_PLAINTEXT),)))
