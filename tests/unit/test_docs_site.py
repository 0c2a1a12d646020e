"""The site's pages: what scripts/docs would not see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.paths import REPO

PAGES = sorted(
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "charts/virtualcluster/README.md",
        "cli/README.md",
        "lab/**/*.md",
        "tests/*/README.md",
    )
    for path in REPO.glob(pattern)
)
CODE = re.compile(r"^( *)```[\s\S]*?^\1```$|`[^`\n]*`|^    .*$", re.MULTILINE)
PICTURES = sorted((REPO / "docs" / "images").glob("*.svg"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPO)))
def test_links_are_markdown_which_is_checked(page: Path) -> None:
    prose = CODE.sub("", page.read_text())
    assert re.findall(r"<(?:a|img|script|link)\b[^>]*>", prose) == []
    assert re.findall(r"\]\[[^\]]*\]", prose) == []


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_a_picture_is_shown_and_told_in_words(picture: Path) -> None:
    told = [
        words
        for page in PAGES
        for words, path in re.findall(r"!\[([^\]]*)\]\(([^)]+\.svg)\)", page.read_text())
        if (page.parent / path).resolve() == picture
    ]
    assert told
    assert all(len(words) > len("a picture") for words in told)
    text = picture.read_text()
    assert "<title" in text
    assert "<desc" in text
    assert "prefers-color-scheme: dark" in text
    assert re.findall(r'(?:href|src)="(?!#)|url\((?!#)', text) == []
