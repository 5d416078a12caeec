"""Looks at the finished site as a browser would: what it loads and where its links lead."""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

LOADS: Final = {"img": "src", "script": "src", "link": "href", "source": "srcset", "iframe": "src"}
STYLE_URL: Final = re.compile(r"url\(\s*['\"]?(?!data:|#)([^'\")]+)|@import\s+['\"]([^'\"]+)")
LINKED_ONLY: Final = {"canonical", "next", "prev", "alternate"}


class Page(HTMLParser):
    """One page: its anchors, its links, and what a browser loads for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors = {""}
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """HTMLParser's callback."""
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(filter(None, (given.get("id"), given.get("name"))))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in LOADS and given.get("rel") not in LINKED_ONLY:
            self.loads += filter(None, [given.get(LOADS[tag])])


def faults(site: Path) -> Iterator[str]:
    """What is wrong with the site, a sentence each."""
    for path in sorted(site.rglob("*.html")):
        page, name = _page(path), path.relative_to(site)
        for target in [*page.loads, *page.links]:
            outside = bool(urlsplit(target).netloc)
            if outside and target in page.loads:
                yield f"{name} loads {target} from another host."
            elif not outside and not _leads(site, path, target):
                yield f"{name} leads to {target}, which is not there."
    for path in sorted(site.rglob("*.css")):
        for found in STYLE_URL.finditer(path.read_text(encoding="utf-8")):
            if urlsplit(found[1] or found[2]).netloc:
                yield f"{path.relative_to(site)} loads {found[1] or found[2]} from another host."


def _leads(site: Path, page: Path, target: str) -> bool:
    parts = urlsplit(target)
    if parts.scheme:
        return parts.scheme in ("mailto", "data", "javascript")
    path = unquote(parts.path)
    there = page if not path else (site if path.startswith("/") else page.parent) / path.lstrip("/")
    there = there / "index.html" if there.is_dir() else there
    if not there.is_file():
        return False
    return there.suffix != ".html" or unquote(parts.fragment) in _page(there).anchors


@cache
def _page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))
