"""The simulation that the bench starts a syncer in: all in step, so that nothing is written."""

from __future__ import annotations

import pytest

from tests.unit.build import IDENT
from tools.bench import scrape
from tools.bench.scenarios import alone

pytestmark = pytest.mark.timeout(60)


async def test_a_syncer_beside_what_is_in_step_reads_all_and_writes_nothing() -> None:
    count = 3
    async with alone.Still() as virt, alone.Still() as host:
        alone.furnish(virt, host, count)
        found = await alone.restarted(virt, host)
        assert len(virt.objects.of("pods")) == count
        assert len(host.objects.of("pods", IDENT.host_namespace)) == count
    assert (found.ready, found.queued) == (True, 0)
    assert scrape.writes(found.host + found.virt).total() == 0
    assert found.virt["GET", "pods"] == found.host["GET", "pods"] == 1
    assert found.resident_bytes > 2**20
