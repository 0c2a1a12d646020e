"""The generator of schema and documentation: what it makes of comments, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest

from tools import chart_values
from tools.chart_values import BEGIN, END, ValuesError

VALUES = """\
# Not about a key.

# -- First line,
# and second.
# @schema enum:[a, "|"]; minLength:1
plain: a
# -- An object.
object:
  # -- A number.
  # @schema type:[integer, string]
  number: 1
  # -- A list.
  # @schema item:string
  list: [x]
  # -- A choice.
  # @schema item:[x, z]
  some: [x]
  # -- Words.
  # @schema item:{anyOf: [{type: string}, {type: object}]}
  words: []
# -- Anything.
# @schema additionalProperties:{type: string}
free: {}
# -- Open.
# @schema open:true
shared:
  # -- Ours.
  ours: ""
"""


def test_schema_closes_every_object_and_follows_the_comments() -> None:
    assert chart_values.schema(chart_values.read(VALUES)) == {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart virtualcluster",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "plain": {
                "description": "First line, and second.",
                "type": "string",
                "enum": ["a", "|"],
                "minLength": 1,
                "default": "a",
            },
            "object": {
                "description": "An object.",
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "number": {
                        "description": "A number.",
                        "type": ["integer", "string"],
                        "default": 1,
                    },
                    "list": {
                        "description": "A list.",
                        "type": "array",
                        "items": {"type": "string"},
                        "default": ["x"],
                    },
                    "some": {
                        "description": "A choice.",
                        "type": "array",
                        "items": {"enum": ["x", "z"]},
                        "default": ["x"],
                    },
                    "words": {
                        "description": "Words.",
                        "type": "array",
                        "items": {"anyOf": [{"type": "string"}, {"type": "object"}]},
                        "default": [],
                    },
                },
            },
            "free": {
                "description": "Anything.",
                "type": "object",
                "additionalProperties": {"type": "string"},
                "default": {},
            },
            "shared": {
                "description": "Open.",
                "type": "object",
                "additionalProperties": True,
                "properties": {"ours": {"description": "Ours.", "type": "string", "default": ""}},
            },
        },
    }


def test_table_has_a_row_per_leaf_under_its_object() -> None:
    assert (
        chart_values.table(chart_values.read(VALUES))
        == """\
### object

An object.

| Key | Default | Description |
|---|---|---|
| `object.number` | `1` | A number. |
| `object.list` | `["x"]` | A list. |
| `object.some` | `["x"]` | A choice. |
| `object.words` | `[]` | Words. |

### shared

Open.

| Key | Default | Description |
|---|---|---|
| `shared.ours` | `""` | Ours. |

### Others

| Key | Default | Description |
|---|---|---|
| `plain` | `"a"` | First line, and second. |
| `free` | `{}` | Anything. |"""
    )


def test_pattern_is_taken_as_it_stands() -> None:
    text = "# -- A name.\n# @schema pattern:^[a-z]{1,3}: #x$\nname: abc\n"
    assert chart_values.read(text)[0].keywords == {"pattern": "^[a-z]{1,3}: #x$"}


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("a: 1\n", "a: no description"),
        ("# -- A.\na:\n  b: 1\n", "a.b: no description"),
        ("# About something else.\n\na: 1\n", "a: no description"),
        ("# -- A.\na:\n", "a: a default must have a type"),
        ("# -- A.\na: []\n", "a: a list needs '@schema item:…'"),
        ("# -- A.\na: {}\n", "a: an empty map needs '@schema additionalProperties:…'"),
        ("# -- A.\n# @schema colour:red\na: 1\n", "a: @schema does not know 'colour:red'"),
        ("# -- A.\n# @schema enum\na: 1\n", "a: @schema does not know 'enum'"),
        ("- a\n", "values.yaml: not a mapping"),
    ],
)
def test_comment_that_says_too_little_is_refused(text: str, refusal: str) -> None:
    with pytest.raises(ValuesError) as error:
        chart_values.read(text)
    assert str(error.value).startswith(refusal)


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chart with nothing generated yet."""
    (tmp_path / "values.yaml").write_text(VALUES)
    (tmp_path / "README.md").write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    monkeypatch.setattr(chart_values, "CHART", tmp_path)
    return tmp_path


def test_writes_once_and_then_finds_nothing_to_do(chart: Path, capsys: Any) -> None:
    assert chart_values.main([]) == 0
    assert capsys.readouterr().err == "wrote: values.schema.json\nwrote: README.md\n"
    assert chart_values.main(["--check"]) == 0
    assert chart_values.main([]) == 0
    assert capsys.readouterr().err == ""
    readme = (chart / "README.md").read_text()
    assert readme.startswith(f"before\n{BEGIN}\n\n### object")
    assert readme.endswith(f"{END}\nafter\n")


def test_check_fails_on_a_change_and_writes_nothing(chart: Path, capsys: Any) -> None:
    assert chart_values.main(["--check"]) == 1
    assert "stale: values.schema.json" in capsys.readouterr().err
    assert not (chart / "values.schema.json").exists()


def test_readme_without_a_place_for_the_table_is_refused(chart: Path, capsys: Any) -> None:
    (chart / "README.md").write_text("nothing\n")
    assert chart_values.main([]) == 1
    assert "README.md: no place for the table" in capsys.readouterr().err


def test_generated_files_of_the_chart_are_up_to_date() -> None:
    assert chart_values.main(["--check"]) == 0
