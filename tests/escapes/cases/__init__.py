"""All cases whose verdict is about objects, by row."""

from __future__ import annotations

from tests.escapes.case import Case
from tests.escapes.cases import (
    a_scheduling,
    a_security,
    a_volumes,
    b_identity,
    c_annotations,
    c_labels,
    d_names,
    d_others,
    d_references,
    e_ingresses,
    e_policies,
    e_services,
    f_storage,
    h_sabotage,
)

CASES: list[Case] = [
    case
    for module in (
        a_scheduling,
        a_security,
        a_volumes,
        b_identity,
        c_annotations,
        c_labels,
        d_names,
        d_others,
        d_references,
        e_ingresses,
        e_policies,
        e_services,
        f_storage,
        h_sabotage,
    )
    for case in module.CASES
]
