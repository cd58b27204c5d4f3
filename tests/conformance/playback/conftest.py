"""Which histories are simulated: as many as `--cutovers` says, from the seed that `--first-cutover` says."""

import pytest


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> range:
    """The seeds to play."""
    first = request.config.getoption("--first-cutover")
    return range(first, first + request.config.getoption("--cutovers"))
