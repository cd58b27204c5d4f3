"""What `tivo up` settles before it starts anything."""

from pathlib import Path

import pytest

from tivo.config import GatewaySettings, KafkaSettings, Settings
from tivo.model.errors import ConfigError
from tivo.up import make_plan

FREE = Settings(kafka=KafkaSettings(port=0), gateway=GatewaySettings(port=0))


def test_a_ready_file_that_could_not_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--ready-file .*/nodir/x\.json: there is no directory .*/nodir; make it"):
        make_plan(FREE, demo=False, ready_file=tmp_path / "nodir" / "x.json")


def test_ports_that_are_free_are_taken(tmp_path: Path) -> None:
    plan = make_plan(FREE, demo=False, ready_file=tmp_path / "x.json")

    assert ["broker", "agent", "gateway"] == [child.name for child in plan.children]
    assert 0 not in {plan.settings.kafka.port, plan.settings.gateway.port}
