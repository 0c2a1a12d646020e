"""All cases whose verdict is about objects, by row."""

from __future__ import annotations

from tests.escapes.case import Case
from tests.escapes.cases import (
    a_node,
    b_identity,
    c_metadata,
    d_names,
    e_network,
    f_storage,
    h_sabotage,
)

CASES: list[Case] = [
    case
    for module in (a_node, b_identity, c_metadata, d_names, e_network, f_storage, h_sabotage)
    for case in module.CASES
]
