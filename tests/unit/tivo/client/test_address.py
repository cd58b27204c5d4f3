"""Addresses of gateways."""

import pytest

from tivo.client.address import checked_url, socket_address
from tivo.model.errors import RequestError


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://tivo.example/base/", "http://[::1]:80"])
def test_an_address_of_a_gateway_is_taken_as_it_is(url: str) -> None:
    assert url == checked_url(url)


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "localhost:8080", "ftp://a", "http://", "http://a:x", "http://a:0", "http://[::1", "http://:1"],
)
def test_what_is_none_is_told_with_how_one_is_written(url: str) -> None:
    with pytest.raises(RequestError, match=r"is no address of a gateway: it is written like http://127\.0\.0\.1:8080"):
        checked_url(url)


def test_the_socket_stands_beside_the_page_and_names_the_topics() -> None:
    assert "ws://a:1/ws?topics=quakes,metrics.*" == socket_address("http://a:1", ["quakes", "metrics.*"])
    assert "wss://a/base/ws?topics=x%2Fy" == socket_address("https://a/base/", ["x/y"])
    assert "ws://a:1/ws?topics=quakes&raw=1" == socket_address("http://a:1", ["quakes"], raw=True)
