"""Makes docs/reference/, each page out of the sources that it is about.

USAGE
    python -m tools.references           write them
    python -m tools.references --check   write nothing, fail where one would change
"""

from __future__ import annotations

from pathlib import Path

from tools import (
    cli_reference,
    generated,
    kinds_reference,
    metrics_reference,
    rights_reference,
    values_reference,
)

PAGES = (cli_reference, kinds_reference, metrics_reference, rights_reference, values_reference)


def outputs() -> dict[Path, str]:
    """Return what the pages are to hold."""
    return {path: text for page in PAGES for path, text in page.outputs().items()}


if __name__ == "__main__":
    generated.main(outputs(), __doc__)
