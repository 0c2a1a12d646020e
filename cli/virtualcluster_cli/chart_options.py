"""The options of commands that hand a chart with values to Helm."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import yaml

from virtualcluster_cli import charts
from virtualcluster_cli.errors import Trouble
from virtualcluster_cli.helm import Helm
from virtualcluster_cli.options import Function

TIMEOUT = 300.0


class Wanted(NamedTuple):
    """Which chart, with which values."""

    values: tuple[str, ...]
    sets: tuple[str, ...]
    kubernetes: str
    chart: str
    repo: str
    version: str

    @property
    def given(self) -> bool:
        """Tell whether any of it was said."""
        return any(self)

    @contextlib.contextmanager
    def found(self, helm: Helm) -> Iterator[tuple[charts.Chart, list[str]]]:
        """Provide the chart, and the flags that give helm the values."""
        with charts.found(helm, self.chart, self.repo, self.version) as found:
            yield found, self._flags(found)

    def _flags(self, chart: charts.Chart) -> list[str]:
        for each in self.values:
            _check_values(each)
        files = [str(chart.preset(self.kubernetes))] if self.kubernetes else []
        return [
            *(f"--values={each}" for each in (*files, *self.values)),
            *(f"--set={each}" for each in self.sets),
        ]


def chart_options(function: Function) -> Function:
    """Add the options that say which chart and which values; the function gets a Wanted."""
    return _options(function, "-f", "--values")


def more_chart_options(function: Function) -> Function:
    """Add the same to a command whose -f is another file."""
    return _options(function, "--values")


def _options(function: Function, *values: str) -> Function:

    @functools.wraps(function)
    def with_chart(*args: Any, **options: Any) -> Any:
        given = {field: options.pop(field) for field in Wanted._fields}
        return function(*args, wanted=Wanted(**given), **options)

    decorated: Function = with_chart
    for option in reversed(
        (
            click.option(*values, multiple=True, help="Values file; may be repeated."),
            click.option(
                "--set",
                "sets",
                multiple=True,
                metavar="KEY=VALUE",
                help="Value; may be repeated.",
            ),
            click.option(
                "--kubernetes",
                default="",
                metavar="1.34",
                help="Version.  [default: host's]",
            ),
            click.option("--chart", default="", help="Directory, archive or oci:// address."),
            click.option("--repo", default="", help="Address of a chart repository."),
            click.option("--version", default="", help="Chart version, with --repo or oci://."),
            click.option("--timeout", default=TIMEOUT, show_default=True, help="Seconds to wait."),
        )
    ):
        decorated = option(decorated)
    return decorated


def _check_values(name: str) -> None:
    """Raise Trouble for a values file that helm would not explain as well."""
    if name == "-" or "://" in name:
        return
    try:
        content = yaml.safe_load(Path(name).read_text())
    except OSError as error:
        raise Trouble(
            f"the values file {name} cannot be read ({error.strerror})", "correct the path"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise Trouble(f"the values file {name} is not valid YAML{where}", "correct it") from None
    if content is not None and not isinstance(content, dict):
        raise Trouble(
            f"the values file {name} holds no keys", "it must be a map, as values.yaml is"
        )
