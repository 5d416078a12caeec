"""The pages of the site as Markdown: those that are written, and those that are generated.

A page is a file of `docs`, or another document of the project (ELSEWHERE). In it
`<!-- include: README.md#five-minutes -->` stands for a section of another document, and
`<!-- generated: codes -->` for what one of GENERATORS makes. Links lead to files of the project,
as they do wherever else the files are read; here they become links to pages.
"""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from tools.docs import adrs, commands, metrics, protocol, rest, settings

ROOT: Final = Path(__file__).parents[2]
ELSEWHERE: Final = {
    "ARCHITECTURE.md": "project/architecture.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "clients/python/README.md": "guide/python.md",
    "spec/protocol.md": "protocol/index.md",
}
"""Documents that are pages of the site, too."""
SHOWN_AS: Final = {
    "README.md": "start.md",
    "docs/adr": "adr/index.md",
    "spec/codes.toml": "protocol/codes.md",
    "spec/conformance": "protocol/conversations.md",
    "spec/frames.schema.json": "protocol/frames.md",
    "spec/openapi.json": "rest/index.md",
}
"""What has no page of its own, and the page that shows it."""
RAW: Final = (
    "deploy",
    "spec/codes.toml",
    "spec/frames.schema.json",
    "spec/openapi.json",
    "spec/conformance",
)
"""Files that can be had from the site as they are."""

GENERATORS: Final[Mapping[str, Callable[[Path], str]]] = {
    "adrs": adrs.listed,
    "codes": protocol.codes,
    "commands": commands.helps,
    "conversations": protocol.conversations,
    "frames": protocol.frames,
    "operations": rest.overview,
    "settings": settings.tables,
}

FENCE: Final = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
PICTURE: Final = re.compile(r"!\[[^]]*\]\(\S+/([\w-]+\.svg)\)")
LINK: Final = re.compile(r"(\]\()([^)\s]+)(\))")
INCLUDE: Final = re.compile(r"^<!-- include: (\S+)#(\S+) -->$", re.MULTILINE)
GENERATED: Final = re.compile(r"^<!-- generated: (\S+) -->$", re.MULTILINE)
FOR_TESTS: Final = re.compile(r"^<!-- (?:output|(?:shown|beside|after): .*) -->\n", re.MULTILINE)
HEADING: Final = re.compile(r"^(#+) (.+)$", re.MULTILINE)


class Broken(Exception):
    """A page cannot be made. The message says which, and why."""


def assemble(folder: Path, config: Path) -> None:
    """Write all pages below `folder`, and the settings of the site generator. Raises Broken."""
    shutil.copytree(ROOT / "docs", folder, ignore=shutil.ignore_patterns("*.md", "*.toml"))
    for source, place in sources().items():
        _write(folder / place, page(source, place))
    for name, text in rest.pages(ROOT).items():
        _write(folder / "rest" / name, text)
    for name in RAW:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    template = (ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8")
    for marker, lines in (("rest", rest.contents(ROOT)), ("adrs", adrs.contents(ROOT))):
        template = template.replace(f"# generated: {marker}", lines)
    for place in sources().values():
        if f'"{place}"' not in template:
            raise Broken(f"{place} is in no list of docs/zensical.toml: nobody would find it.")
    config.write_text(template, encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def sources() -> dict[str, str]:
    """Every document with a page of its own, and where that page is."""
    ours = sorted((ROOT / "docs").rglob("*.md"))
    names = [path.relative_to(ROOT / "docs").as_posix() for path in ours]
    return {f"docs/{name}": name for name in names} | ELSEWHERE


def page(source: str, place: str) -> str:
    """The Markdown of one page. Raises Broken."""
    text = (ROOT / source).read_text(encoding="utf-8")
    text = FOR_TESTS.sub("", text)
    text = PICTURE.sub(lambda found: _drawn(found[1]), text)
    text = outside_code(lambda part: _links(part, source, place), text)
    if source == "spec/protocol.md":
        text = protocol.with_anchors(text)
    if source == "docs/operate/metrics.md":
        text = _explained(text)
    text = INCLUDE.sub(lambda found: _included(found[1], found[2], place), text)
    return GENERATED.sub(lambda found: _generated(found[1]), text)


def outside_code(change: Callable[[str], str], text: str) -> str:
    """`text` with everything changed that is no code."""
    parts = FENCE.split(text)
    return "".join(part if index % 2 else change(part) for index, part in enumerate(parts))


def _explained(text: str) -> str:
    try:
        return metrics.explained(text)
    except metrics.Unexplained as error:
        raise Broken(str(error)) from error


def _drawn(name: str) -> str:
    """A drawing as a part of the page, so that it has the page's colours."""
    drawing = (ROOT / "docs" / "assets" / name).read_text(encoding="utf-8")
    return f'<figure class="drawing">\n{drawing}</figure>'


def _generated(name: str) -> str:
    if name not in GENERATORS:
        raise Broken(f"There is no generator {name}; there are {', '.join(GENERATORS)}.")
    return GENERATORS[name](ROOT)


def _included(source: str, anchor: str, place: str) -> str:
    text = section((ROOT / source).read_text(encoding="utf-8"), anchor)
    if text is None:
        raise Broken(f"{source} has no heading #{anchor}.")
    return outside_code(lambda part: _links(part, source, place), FOR_TESTS.sub("", text))


def section(text: str, anchor: str) -> str | None:
    """What stands under the heading whose anchor this is, up to the next one of its level."""
    plain = FENCE.sub(lambda code: re.sub(r"^#", " ", code[0], flags=re.MULTILINE), text)
    begin, level = None, 0
    for found in HEADING.finditer(plain):
        if begin is not None and len(found[1]) <= level:
            return text[begin : found.start()].strip()
        if begin is None and slug(found[2]) == anchor:
            begin, level = found.end(), len(found[1])
    return None if begin is None else text[begin:].strip()


def slug(heading: str) -> str:
    """A heading's anchor, as Markdown's readers make it."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def _links(text: str, source: str, place: str) -> str:
    return LINK.sub(lambda found: found[1] + _link(found[2], source, place) + found[3], text)


def _link(target: str, source: str, place: str) -> str:
    """A link to a file of the project, as a link from this page to another."""
    path, mark, anchor = target.partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return target
    file = os.path.normpath(PurePosixPath(source).parent / path)
    known = sources() | SHOWN_AS
    if known.get(file) == place and source != file:
        there = file  # the page that shows it leads to the file itself
    elif file in known:
        there = known[file]
    elif file.startswith("docs/") and (ROOT / file).is_file():
        there = file.removeprefix("docs/")
    elif file.startswith("deploy/") and (ROOT / file).is_file():
        there = file
    else:
        raise Broken(f"{source} links to {target}, which is not on the site.")
    return os.path.relpath(there, PurePosixPath(place).parent) + mark + anchor
