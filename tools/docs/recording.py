"""Pictures of terminals: made of what was seen, and read back."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from xml.etree import ElementTree as ET

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from tools.docs.terminal import SIZE

# Without fonts from elsewhere: a page is not to be fetched in parts from others.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
_SVG = "{http://www.w3.org/2000/svg}"


def picture(seen: str, title: str, name: str) -> str:
    """Return an SVG of a terminal's text, colours included; its text can be selected."""
    console = Console(record=True, width=SIZE[0], file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(seen.rstrip("\n")))
    return console.export_svg(title=title, code_format=_FORMAT, unique_id=name) + "\n"


def text(svg: str) -> str:
    """Return the text of such a picture, line by line."""
    lines: dict[float, list[tuple[float, str]]] = defaultdict(list)
    for each in ET.fromstring(svg).iter(f"{_SVG}text"):  # noqa: S314 (our own)
        if "clip-path" in each.attrib:
            at = float(each.attrib["y"]), float(each.attrib["x"])
            lines[at[0]].append((at[1], "".join(each.itertext())))
    whole = ("".join(part for _, part in sorted(parts)) for _, parts in sorted(lines.items()))
    return "".join(f"{line.replace(chr(160), ' ').rstrip()}\n" for line in whole)
