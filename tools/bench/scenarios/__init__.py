"""The scenarios, by the name that `--scenarios` takes, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tools.bench.context import Context
from tools.bench.scenarios import (
    alone,
    churn,
    configuration,
    install,
    model,
    pods,
    rest,
    restart,
    services,
)


class Scenario(NamedTuple):
    """One thing that is measured."""

    measure: Callable[[Context], None]
    kwok: bool = True
    """It needs KWOK's nodes."""


# Rest comes first: memory is compared with what it was before anything was measured.
SCENARIOS = {
    "rest": Scenario(rest.measure, kwok=False),
    "install": Scenario(install.measure, kwok=False),
    "real": Scenario(pods.real, kwok=False),
    "kwok": Scenario(pods.kwok),
    "configuration": Scenario(configuration.measure),
    "services": Scenario(services.measure),
    "churn": Scenario(churn.measure),
    "model": Scenario(model.measure),
    "restart": Scenario(restart.measure),
    "alone": Scenario(alone.measure, kwok=False),
}
