"""What `tivo up` settles before it starts anything."""

import socket
from pathlib import Path

import pytest

from tivo.config import GatewaySettings, KafkaSettings, Settings
from tivo.model.errors import ConfigError
from tivo.up import DRAWN_PORTS, make_plan

FREE = Settings(kafka=KafkaSettings(port=0), gateway=GatewaySettings(port=0))


def test_a_ready_file_that_could_not_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--ready-file .*/nodir/x\.json: there is no directory .*/nodir; make it"):
        make_plan(FREE, demo=False, ready_file=tmp_path / "nodir" / "x.json")


def test_ports_that_are_free_are_taken(tmp_path: Path) -> None:
    plan = make_plan(FREE, demo=False, ready_file=tmp_path / "x.json")

    assert ["broker", "agent", "gateway"] == [child.name for child in plan.children]
    ports = {plan.settings.kafka.port, plan.settings.gateway.port, *(child.private_port for child in plan.children)}
    assert 5 == len(ports)
    assert all(port in DRAWN_PORTS for port in ports)


def test_a_port_that_is_taken_is_told_with_a_way_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(kafka=KafkaSettings(port=0), gateway=GatewaySettings(port=port))

        with pytest.raises(
            ConfigError, match=f"gateway.port: .*:{port} cannot be bound: .* TIVO_GATEWAY_PORT={port + 1} "
        ):
            make_plan(settings, demo=False, ready_file=None)
