"""Plots: how many pods are Ready by when, and how it grows with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import stats

Sample = dict[str, Any]
COLOURS = {"virt": "#1f5fbf", "bare": "#8a8a8a"}
LABELS = {"virt": "virtual cluster", "bare": "bare host"}


class Curve(NamedTuple):
    """One line of a plot."""

    side: str
    x: list[float]
    y: list[float]


def curves(samples: Iterable[Sample]) -> dict[str, list[Curve]]:
    """Return title → the share of pods that are Ready after so many seconds, all repeats as one."""
    found: dict[str, dict[str, list[float]]] = {}
    for each in samples:
        if each["latencies"]:
            title = f"{each['scenario']}, {each['count']} on {each['nodes']}"
            found.setdefault(title, {}).setdefault(each["side"], []).extend(each["latencies"])
    return {
        title: [Curve(side, *stats.steps(values)) for side, values in sides.items()]
        for title, sides in found.items()
    }


def scaling(samples: Sequence[Sample], nodes: str) -> dict[str, list[Curve]]:
    """Return title → medians of the repeats by the number of pods in a burst."""
    chosen = [
        each
        for each in samples
        if each["scenario"] == "pods" and each["nodes"] == nodes and each["latencies"]
    ]
    figures: dict[str, Callable[[Sample], float]] = {
        "p50, seconds": lambda sample: stats.percentile(sample["latencies"], 50),
        "pods per second": lambda sample: sample["rate"],
    }
    found: dict[str, list[Curve]] = {}
    for title, figure in figures.items():
        for side in LABELS:
            own = [each for each in chosen if each["side"] == side]
            counts = sorted({each["count"] for each in own})
            values = [
                stats.median(figure(each) for each in own if each["count"] == count) or 0.0
                for count in counts
            ]
            if len(counts) > 1:
                line = Curve(side, [float(count) for count in counts], values)
                found.setdefault(f"pods on {nodes}: {title}", []).append(line)
    return found


def draw(samples: Sequence[Sample], base: Path) -> list[Path]:
    """Write the plots beside the result; return their files."""
    # Not at the top: it takes a second, and only scripts/bench has it.
    from matplotlib.figure import Figure  # noqa: PLC0415

    files = []
    latencies = curves(samples)
    growth = {**scaling(samples, "real"), **scaling(samples, "kwok")}
    for name, plots, kind in (("latency", latencies, "ecdf"), ("scaling", growth, "growth")):
        if not plots:
            continue
        columns = 2
        rows = -(-len(plots) // columns)
        make: Any = Figure  # half of it is typed
        figure = make(figsize=(11, 3.4 * rows), layout="constrained")
        for number, (title, lines) in enumerate(plots.items(), 1):
            axes = figure.add_subplot(rows, columns, number)
            for line in lines:
                style: dict[str, Any] = {"marker": "o"}
                if kind == "ecdf":
                    style = {"drawstyle": "steps-post"}
                colour = COLOURS[line.side]
                axes.plot(line.x, line.y, color=colour, label=LABELS[line.side], **style)
            axes.set_title(title, fontsize=10)
            axes.grid(visible=True, alpha=0.3)
            if kind == "ecdf":
                axes.set_xlabel("seconds until Ready")
                axes.set_ylabel("share of pods")
            else:
                axes.set_xscale("log")
                axes.set_xlabel("pods in a burst")
            axes.set_ylim(bottom=0)
            axes.legend(fontsize=8)
        file = base.with_name(f"{base.name}-{name}.svg")
        figure.savefig(file, metadata={"Date": None})
        files.append(file)
    return files
