"""The site: how Sphinx makes one of the repository's Markdown; scripts/docs runs it.

The root of the sources is the root of the repository, so that README, CHANGELOG and the tests' own
descriptions are pages like those of docs/, without copies, and every link that works in a clone is
the link of the site. MyST names headings as GitHub does. What leads nowhere is a warning, and a
warning fails the build, as does a page that NAVIGATION does not lead to. Nothing is loaded from
elsewhere: Furo brings its styles and scripts along and takes the fonts of whoever reads.

Of the generators for Markdown these are kept: MkDocs 1 has had no release since 2024, and support
of its theme Material ended with November 2026.
"""

import re
import tomllib
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
NAVIGATION = {
    "": ["docs/quick-start", "docs/how-it-works"],
    "Use it": [
        "docs/cli",
        "docs/what-is-synced",
        "docs/how-to/ci",
        "docs/how-to/gitops",
        "docs/how-to/ingress",
        "docs/troubleshooting",
    ],
    "Run it for others": [
        "docs/how-to/tenant-limits",
        "docs/how-to/upgrade",
        "docs/how-to/backup",
        "docs/how-to/external-datastore",
        "docs/how-to/air-gap",
        "docs/monitoring",
        "SECURITY",
    ],
    "Decide": ["docs/comparison", "docs/limits", "docs/versions", "docs/scaling"],
    "Reference": [
        "docs/reference/values",
        "docs/reference/cli",
        "docs/reference/kinds",
        "docs/reference/rights",
        "docs/reference/metrics",
        "The chart's readme <charts/virtualcluster/README>",
        "The command line's readme <cli/README>",
        "CHANGELOG",
    ],
    "For contributors": [
        "CONTRIBUTING",
        "docs/architecture",
        "docs/threats",
        "docs/k3s-contract",
        "Readme <README>",
    ],
    "For contributors: test results": [
        "docs/real-k3s",
        "docs/benchmarks",
        "docs/conformance",
        "docs/escapes",
        "docs/faults",
    ],
    "For contributors: the suites": ["lab/README", "lab/k3s/README", "tests/*/README"],
    "For contributors: decisions": ["docs/decisions/*"],
}

project = "virtualcluster"
release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**.md",
    "charts/virtualcluster/README.md",
    "cli/README.md",
    "lab/**.md",
    "tests/*/README.md",
]
exclude_patterns = ["build", ".*"]
myst_heading_anchors = 5

html_theme = "furo"
html_title = f"virtualcluster {release}"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_extra_path = ["site/root"]  # index.html, which leads to docs/
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def setup(app: Sphinx) -> None:
    """Let docs/index.md be followed by the navigation, of which GitHub would show the source."""
    app.connect("source-read", _navigation)


def _navigation(_app: Sphinx, page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += "".join(_part(caption, pages) for caption, pages in NAVIGATION.items())


def _part(caption: str, entries: list[str]) -> str:
    there = [re.sub(r"([^< ]+)>?$", r"/\g<0>", each) for each in entries]
    options = [":hidden:", ":glob:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["", "", "```{toctree}", *options, "", *there, "```", ""])
