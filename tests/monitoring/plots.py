"""Draws what the dashboard's panels showed in the end-to-end tests, as Grafana would.

scripts/panels [FILE] [--output PICTURE]    build/e2e/monitoring.json, to .svg or .png
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt

RESULTS = Path(__file__).parents[2] / "build" / "e2e"
WIDE, HIGH, COLUMNS = 6.0, 3.2, 3
BYTES = 2.0**20
UNITS = {
    "s": "seconds",
    "short": "",
    "ops": "per second",
    "reqps": "per second",
    "percentunit": "cores",
    "bytes": "MiB",
}
Panel = dict[str, Any]


def draw(panels: list[Panel], picture: Path) -> None:
    """Draw all panels into one picture."""
    stats = [each for each in panels if each["type"] == "stat"]
    graphs = [each for each in panels if each["type"] != "stat"]
    rows = -(-len(graphs) // COLUMNS)
    ratios = [0.35, *[1.0] * rows]
    figure = plt.figure(figsize=(WIDE * COLUMNS, HIGH * sum(ratios)), layout="constrained")
    top, below = figure.subfigures(2, 1, height_ratios=[ratios[0], sum(ratios[1:])])
    for axes, panel in zip(top.subplots(1, len(stats)), stats, strict=True):
        _stat(axes, panel)
    grid = below.subplots(rows, COLUMNS).flat
    for axes, panel in zip(grid, graphs, strict=False):
        _graph(axes, panel)
    figure.savefig(picture, dpi=80)
    plt.close(figure)


def _stat(axes: Any, panel: Panel) -> None:
    value = _points(panel["series"][0])[-1][1] if panel["series"] else None
    text = "no data" if value is None else f"{value:g}"
    if value is not None and panel["unit"] == "s":
        text = f"{value / 86400:.0f} d" if value > 86400 else f"{value:.2f} s"
    if panel["unit"] == "bool_yes_no" and value is not None:
        text = "yes" if value else "no"
    axes.set_title(panel["title"], fontsize=10)
    axes.text(0.5, 0.45, text, ha="center", va="center", fontsize=20)
    axes.set_axis_off()


def _graph(axes: Any, panel: Panel) -> None:
    scale = BYTES if panel["unit"] == "bytes" else 1.0
    for series in panel["series"]:
        points = [each for each in _points(series) if each[1] == each[1]]  # not the NaNs
        if not points:
            continue
        times = [datetime.fromtimestamp(at, UTC) for at, _ in points]
        axes.plot(times, [value / scale for _, value in points], label=_legend(series))
    axes.set_title(panel["title"], fontsize=10)
    axes.set_ylabel(UNITS[panel["unit"]], fontsize=8)
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=7)
    axes.grid(visible=True, alpha=0.3)
    axes.xaxis.set_major_formatter(mpl.dates.DateFormatter("%H:%M:%S"))
    axes.xaxis.set_major_locator(mpl.dates.AutoDateLocator(maxticks=6))
    if panel["series"]:
        axes.legend(fontsize=6, ncols=2, loc="best")
    else:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center")


def _points(series: Panel) -> list[tuple[float, float]]:
    return [(float(at), float(value)) for at, value in series["values"]]


def _legend(series: Panel) -> str:
    """Return the legend with the series' labels in it."""
    labels = series["metric"]
    return re.sub(r"{{(\w+)}}", lambda m: labels.get(m[1], ""), series["legend"])


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=RESULTS / "monitoring.json")
@click.option("--output", type=click.Path(path_type=Path), help="Default: beside it, as .svg.")
def main(file: Path, output: Path | None) -> None:
    """Draw the panels whose data are in FILE."""
    if not file.exists():
        raise click.UsageError(f"{file.name} is not there: scripts/test e2e writes it")
    picture = output or file.with_suffix(".svg")
    draw(json.loads(file.read_text()), picture)
    click.echo(picture)


if __name__ == "__main__":
    main()
