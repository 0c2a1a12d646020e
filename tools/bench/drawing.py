"""Draws the plots as SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.bench import plots
from tools.bench.plots import SIDES, Curve, Sample
from tools.bench.stages import STAGES

COLOURS = {"virt": "#1f5fbf", "bare": "#8a8a8a"}
STAGE_COLOURS = ("#9ecae1", "#1f5fbf", "#8a8a8a", "#c7c7c7", "#e08214")
COLUMNS = 2


def draw(samples: Sequence[Sample], base: Path) -> list[Path]:
    """Write the plots beside a result; return their files."""
    files = []
    for name, found, one in (
        ("latency", plots.curves(samples), _ecdf),
        ("scaling", plots.scaling(samples), _growth),
        ("stages", plots.stages(samples), _stacked),
    ):
        if found:
            file = base.with_name(f"{base.name}-{name}.svg")
            _figure(found, one).savefig(file, metadata={"Date": None})
            files.append(file)
    return files


def _figure(found: Mapping[str, Any], one: Callable[[Any, Any], None]) -> Any:
    # Not at the top: only scripts/bench has it, and it takes a second.
    from matplotlib.figure import Figure  # noqa: PLC0415

    make: Any = Figure  # half of it is typed
    rows = -(-len(found) // COLUMNS)
    figure = make(figsize=(11, 3.4 * rows), layout="constrained")
    for number, (title, content) in enumerate(found.items(), 1):
        axes = figure.add_subplot(rows, COLUMNS, number)
        one(axes, content)
        axes.set_title(title, fontsize=10)
        axes.grid(visible=True, alpha=0.3)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)
    return figure


def _ecdf(axes: Any, lines: Sequence[Curve]) -> None:
    for line in lines:
        colour, label = COLOURS[line.side], SIDES[line.side]
        axes.plot(line.x, line.y, color=colour, label=label, drawstyle="steps-post")
    axes.set_xlabel("seconds until Ready")
    axes.set_ylabel("share")


def _growth(axes: Any, lines: Sequence[Curve]) -> None:
    for line in lines:
        axes.plot(line.x, line.y, color=COLOURS[line.side], label=SIDES[line.side], marker="o")
    axes.set_xscale("log")
    axes.set_xlabel("pods in a burst")


def _stacked(axes: Any, rows: Mapping[str, Sequence[float]]) -> None:
    places = range(len(rows["pods"]))
    below = [0.0 for _ in places]
    for (stage, meaning), colour in zip(STAGES, STAGE_COLOURS, strict=True):
        axes.bar(places, rows[stage], bottom=below, color=colour, label=meaning)
        below = [low + high for low, high in zip(below, rows[stage], strict=True)]
    axes.set_xticks(places, [f"{count:.0f}" for count in rows["pods"]])
    axes.set_xlabel("pods in a burst")
