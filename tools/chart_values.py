"""Makes the schema and the documentation of the chart's values from the comments in values.yaml.

USAGE
    python -m tools.chart_values           write values.schema.json and the table in README.md
    python -m tools.chart_values --check   write nothing, fail where they would change

COMMENTS
    # -- Description of the key below, over as many lines as it needs.
    # @schema pattern:^v[0-9]+$; minLength:2

Without `@schema` a key has the type of its default, and an object has the keys that it has and no
others. `@schema` adds keywords of JSON Schema, separated by "; ", their values in YAML:

    item:string, item:[a, b], item:{…}      the type of a list's items, or all that they may be,
                                            or a schema; every list needs one
    open:true                               keys that are not described here may be there as well
    additionalProperties:{type: string}     a free-form map; every empty map needs one
    type:[string, integer]                  another type than the default's

DEPENDENCIES: PyYAML
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools.generated import fill

CHART = Path(__file__).parents[1] / "charts" / "virtualcluster"
BEGIN, END = "<!-- values: made by scripts/generate -->", "<!-- /values -->"

TYPES = {
    "tag:yaml.org,2002:str": "string",
    "tag:yaml.org,2002:bool": "boolean",
    "tag:yaml.org,2002:int": "integer",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:seq": "array",
    "tag:yaml.org,2002:map": "object",
}
KEYWORDS = {
    "additionalProperties", "enum", "item", "maximum", "minLength", "minimum", "open", "pattern",
    "type",
}  # fmt: skip


class ValuesError(Exception):
    """A comment in values.yaml that is missing or says something impossible."""


@dataclass(frozen=True)
class Value:
    """One key of values.yaml."""

    path: str
    type: str
    default: Any
    description: str
    keywords: dict[str, Any]
    children: list["Value"] = field(default_factory=list)


def read(text: str) -> list[Value]:
    """The keys of a values file with their comments; refuses one that is not described."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise ValuesError("values.yaml: not a mapping")
    return _read(root, "", text.splitlines())


def _read(node: yaml.MappingNode, prefix: str, lines: list[str]) -> list[Value]:
    values = []
    for key, value in node.value:
        path = f"{prefix}{key.value}"
        description, keywords = _comment(path, lines, key.start_mark.line)
        kind = TYPES.get(value.tag)
        if kind is None:
            raise ValuesError(f"{path}: a default must have a type, not {value.tag}")
        closed = kind == "object" and "additionalProperties" not in keywords
        if kind == "array" and "item" not in keywords:
            raise ValuesError(f"{path}: a list needs '@schema item:…'")
        if closed and not value.value:
            raise ValuesError(f"{path}: an empty map needs '@schema additionalProperties:…'")
        children = _read(value, f"{path}.", lines) if closed else []
        default = yaml.safe_load(yaml.serialize(value))
        values.append(Value(path, kind, default, description, keywords, children))
    return values


def _comment(path: str, lines: list[str], key_line: int) -> tuple[str, dict[str, Any]]:
    """Description and keywords from the comment lines right above a key."""
    first = key_line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    description: list[str] = []
    keywords: dict[str, Any] = {}
    for line in lines[first:key_line]:
        text = line.strip().removeprefix("#").strip()
        if text.startswith("@schema "):
            keywords |= _keywords(path, text.removeprefix("@schema "))
        elif text.startswith("-- "):
            description = [text.removeprefix("-- ")]
        elif description:
            description.append(text)
    if not description:
        raise ValuesError(f"{path}: no description ('# -- …') above the key")
    return " ".join(description), keywords


def _keywords(path: str, text: str) -> dict[str, Any]:
    keywords = {}
    for part in text.split("; "):
        name, colon, value = part.partition(":")
        if name not in KEYWORDS or not colon:
            raise ValuesError(f"{path}: @schema does not know {part!r}")
        # A pattern is full of characters that mean something in YAML.
        keywords[name] = value if name == "pattern" else yaml.safe_load(value)
    return keywords


def schema(values: list[Value]) -> dict[str, Any]:
    """The JSON Schema (draft 7, what every Helm 3 checks) of the values."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart virtualcluster",
        "type": "object",
        "properties": _properties(values),
        "additionalProperties": False,
    }


def _properties(values: list[Value]) -> dict[str, Any]:
    properties = {}
    for value in values:
        keywords = dict(value.keywords)
        item, free = keywords.pop("item", None), keywords.pop("open", False)
        entry = {"description": value.description, "type": value.type} | keywords
        if item is not None:
            entry["items"] = _items(item)
        if value.children:
            entry["properties"] = _properties(value.children)
            entry["additionalProperties"] = free
        else:
            entry["default"] = value.default
        properties[value.path.rpartition(".")[2]] = entry
    return properties


def _items(item: Any) -> dict[str, Any]:
    """The schema of a list's items."""
    if isinstance(item, dict):
        return item
    return {"enum": item} if isinstance(item, list) else {"type": item}


def table(values: list[Value]) -> str:
    """The values as tables in Markdown: one for the top level, one for each object in it."""
    plain = [value for value in values if not value.children]
    parts = [
        f"### {value.path}\n\n{fill(value.description)}\n\n{_rows(_leaves(value.children))}"
        for value in values
        if value.children
    ]
    return "\n\n".join([*parts, f"### Others\n\n{_rows(plain)}"])


def _leaves(values: list[Value]) -> Iterator[Value]:
    for value in values:
        if value.children:
            yield from _leaves(value.children)
        else:
            yield value


def _rows(values: Iterator[Value] | list[Value]) -> str:
    rows = ["| Key | Default | Description |", "|---|---|---|"]
    for value in values:
        default = json.dumps(value.default).replace("|", "\\|")
        description = value.description.replace("|", "\\|")
        rows.append(f"| `{value.path}` | `{default}` | {description} |")
    return "\n".join(rows)


def outputs(chart: Path) -> dict[Path, str]:
    """What the generated files of a chart must contain."""
    values = read((chart / "values.yaml").read_text())
    readme = (chart / "README.md").read_text()
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValuesError(f"README.md: no place for the table between {BEGIN} and {END}")
    return {
        chart / "values.schema.json": json.dumps(schema(values), indent=2) + "\n",
        chart / "README.md": f"{before}{BEGIN}\n\n{table(values)}\n\n{END}{after}",
    }


def main(argv: list[str]) -> int:
    """Write the generated files, or compare them with `--check`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only say what would change")
    check = parser.parse_args(argv).check
    try:
        files = outputs(CHART)
    except ValuesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        sys.stderr.write(f"{'stale' if check else 'wrote'}: {path.name}\n")
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(files[path])
    if check and stale:
        sys.stderr.write("run scripts/generate and commit what it writes\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
