"""Two API servers and their clients, for tests that need the network."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from syncer.kube.client import Client
from tests.unit.fake_api import FakeApi
from tests.unit.k3s_state import State
from tests.unit.sides import Sides, both_sides

# The same examples in every run, and no deadline: a loaded machine must not fail a build.
settings.register_profile("unit", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("unit")
# Plain lines: the default for terminals takes a second for each traceback.
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
)


@pytest.fixture
async def virt_api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        api.objects.uid_prefix = "virt-uid"
        yield api


@pytest.fixture
async def host_api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        api.objects.uid_prefix = "host-uid"
        yield api


@pytest.fixture
async def virt(virt_api: FakeApi) -> AsyncIterator[Client]:
    async with virt_api.client("virt") as client:
        yield client


@pytest.fixture
async def host(host_api: FakeApi) -> AsyncIterator[Client]:
    async with host_api.client("host") as client:
        yield client


@pytest.fixture
async def sides() -> AsyncIterator[Sides]:
    async with both_sides() as made:
        yield made


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """The data directory of a k3s that runs."""
    made = State(tmp_path / "data")
    yield made
    made.stop()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where a backup makes its copies."""
    made = tmp_path / "scratch"
    made.mkdir()
    return made
