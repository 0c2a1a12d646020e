"""Looks at the site as a phone and a desk show it; behind scripts/docs --look.

Pictures of pages go into build/look, to be looked at. What a program can see is checked: that no
page asks anything of another host, that none is wider than its window, that no text of a picture
is cut off or runs out of its box. In Debian's Chromium, by Playwright.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "site"
RESULTS = ROOT / "build" / "look"
WIDTHS = {"phone": 390, "desk": 1440}
PICTURED = (
    "docs/index",
    "docs/quick-start",
    "docs/how-it-works",
    "docs/how-to/ci",
    "docs/troubleshooting",
    "docs/monitoring",
    "docs/cli",
    "docs/reference/values",
    "docs/reference/kinds",
    "docs/reference/rights",
    "README",
)
HEIGHT, HIGHEST = 900, 6000
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT = """() => {
  const whole = document.documentElement.viewBox.baseVal;
  const boxes = [...document.querySelectorAll("rect:not(.paper)")].map((each) => each.getBBox());
  const inside = (text, box, by) =>
    text.x >= box.x + by && text.x + text.width <= box.x + box.width - by &&
    text.y >= box.y && text.y + text.height <= box.y + box.height;
  const begins = (text, box) => {
    const [x, y] = [text.x + text.width / 2, text.y + text.height / 2];
    return x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
  };
  return [...document.querySelectorAll("text")].filter((each) => {
    const text = each.getBBox();
    return !inside(text, whole, 2) ||
      boxes.some((box) => begins(text, box) && !inside(text, box, 1));
  }).map((each) => each.textContent);
}"""


def main() -> None:
    """Take the pictures, say what is wrong."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("error: chromium is not installed; as root: apt-get install chromium")
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        wrong = [*pages(browser), *pictures(browser)]
    for each in wrong:
        print(each, file=sys.stderr)
    print(f"{RESULTS.relative_to(ROOT)}: {len(list(RESULTS.iterdir()))} pictures")
    sys.exit(1 if wrong else 0)


def pages(browser: Browser) -> Iterator[str]:
    """Look at every page at every width, and take pictures of some, by day and by night."""
    for device, width in WIDTHS.items():
        page = browser.new_page(viewport={"width": width, "height": HEIGHT})
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        for path in sorted(set(SITE.rglob("*.html")) - {SITE / "index.html"}):  # which leads away
            name = str(path.relative_to(SITE).with_suffix(""))
            page.goto(path.as_uri())
            if (too_wide := page.evaluate(OVERFLOW)) > 0:
                yield f"{name}: {too_wide} pixels wider than a {device}"
            if name in PICTURED:
                page.set_viewport_size({"width": width, "height": HIGHEST})
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme)
                    file = f"{name.replace('/', '-')}-{device}-{scheme}.png"
                    page.screenshot(path=RESULTS / file)
                page.set_viewport_size({"width": width, "height": HEIGHT})
        yield from (f"asks {url}" for url in asked if not url.startswith(("file:", "data:")))
        page.close()


def pictures(browser: Browser) -> Iterator[str]:
    """Look whether pictures show all of their text."""
    page = browser.new_page()
    for path in sorted((ROOT / "docs" / "images").glob("*.svg")):
        page.goto(path.as_uri())
        yield from (f"{path.name}: {text!r} is cut off" for text in page.evaluate(CUT))


if __name__ == "__main__":
    main()
