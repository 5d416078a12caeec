"""What the documents say is there."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from tests.architecture.tree import ROOT, read, tracked

CODE_SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"^\.?[\w-]+(?:/[\w.*{},-]+)*/?$|^[\w./-]+\.[a-z]{2,5}$")
LINK = re.compile(r"\]\(([^)\s]+)\)")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)\b")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TREE_LINE = re.compile(r"^( *)([\w.-]+/?)(?:\s|$)")


def known_paths() -> set[str]:
    """Every file and folder of the project, relative to its root."""
    files = set(tracked())
    return files | {str(folder) for name in files for folder in PurePosixPath(name).parents}


def named_paths(markdown: str) -> set[str]:
    """The paths that a document names: in code spans, those with a slash or a known ending.

    `a/{b,c}.py` stands for two. Web paths begin with a slash and are none of ours.
    """
    found: set[str] = set()
    for span in CODE_SPAN.findall(FENCE.sub("", markdown)):
        looks = "/" in span or span.endswith((".py", ".md", ".toml", ".sql", ".json", ".txt"))
        if looks and not span.startswith("/") and PATH.match(span):
            found.update(braces(span))
    return found


def braces(path: str) -> Iterable[str]:
    """`a/{b,c}` as `a/b` and `a/c`."""
    match = re.search(r"\{([^{}]*)\}", path)
    if not match:
        return [path]
    before, after = path[: match.start()], path[match.end() :]
    return [each for word in match[1].split(",") for each in braces(before + word + after)]


def tree_paths(markdown: str) -> set[str]:
    """The paths of a document's drawings of folders: fenced blocks whose lines begin with a name
    and are indented below their folder."""
    found: set[str] = set()
    for block in FENCE.findall(markdown):
        lines = block.splitlines()
        if lines[0] not in {"```", "```text"}:
            continue
        stack: list[tuple[int, str]] = []
        for line in lines[1:-1]:
            match = TREE_LINE.match(line)
            if not match or not (match[2].endswith("/") or "." in match[2]):
                continue
            indent = len(match[1])
            while stack and stack[-1][0] >= indent:
                stack.pop()
            path = f"{stack[-1][1] if stack else ''}{match[2]}"
            found.add(path)
            if path.endswith("/"):
                stack.append((indent, path))
    return found


def missing(paths: Iterable[str], known: set[str]) -> set[str]:
    """Those of `paths` that are not there; a star stands for any part of a name. A path may also
    be written from src/hubbub, as the document about it does."""
    return {path for path in paths if not any(_there(start + path, known) for start in STARTS)}


STARTS = ("", "src/hubbub/")


def _there(path: str, known: set[str]) -> bool:
    plain = path.rstrip("/")
    if "*" not in plain:
        return plain in known
    pattern = re.compile(re.escape(plain).replace(r"\*", "[^/]*"))
    return any(pattern.fullmatch(each) for each in known)


def broken_links(name: str, markdown: str) -> list[str]:
    """The links of a document into the project that lead nowhere."""
    folder = (ROOT / name).parent
    return [
        link
        for link in LINK.findall(FENCE.sub("", markdown))
        if not re.match(r"[a-z]+:|#", link) and not (folder / link.partition("#")[0]).exists()
    ]


def targets(makefile: str) -> set[str]:
    """What can be made."""
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


def told_targets(markdown: str) -> set[str]:
    """The `make …` that a document tells people to type."""
    code = [*FENCE.findall(markdown), *CODE_SPAN.findall(FENCE.sub("", markdown))]
    return {target for text in code for target in TARGET.findall(text)}


def documents() -> dict[str, str]:
    """Every Markdown file with its text."""
    return {name: read(name) for name in tracked() if name.endswith(".md")}


def test_architecture_names_what_exists() -> None:
    assert (ROOT / "ARCHITECTURE.md").is_file(), "ARCHITECTURE.md is missing"
    text = read("ARCHITECTURE.md")
    paths = named_paths(text) | tree_paths(text)
    assert paths, "ARCHITECTURE.md names no path"
    assert not missing(paths, known_paths())


def test_architecture_is_one_page() -> None:
    assert len(read("ARCHITECTURE.md").splitlines()) <= 120


def test_a_missing_path_is_found() -> None:
    text = (
        "`src/gone.py`, `ports.py`, `a/{b,c}/`, `GET /api`, `/ws`, `x + y`\n```\nd/\n  e.py  x\n```"
    )
    named = named_paths(text) | tree_paths(text)
    assert named == {"src/gone.py", "ports.py", "a/b/", "a/c/", "d/", "d/e.py"}
    known = {"src/hubbub/ports.py", "a", "a/b", "d", "d/e.py"}
    assert missing(named, known) == {"src/gone.py", "a/c/"}
    assert missing({"tests/*/x.py", "tests/y*"}, {"tests/a/x.py"}) == {"tests/y*"}


def test_links_lead_somewhere() -> None:
    broken = {name: broken_links(name, text) for name, text in documents().items()}
    assert not {name: links for name, links in broken.items() if links}


def test_a_broken_link_is_found() -> None:
    text = "[a](gone.md) [b](LICENSE#x) [c](https://example.org) [d](#here)"
    assert broken_links("README.md", text) == ["gone.md"]


def test_what_documents_say_to_make_can_be_made() -> None:
    able = targets(read("Makefile"))
    told = {name: told_targets(text) - able for name, text in documents().items()}
    assert not {name: unable for name, unable in told.items() if unable}


def test_an_unknown_target_is_found() -> None:
    assert told_targets("make sense, `make gone`\n```\nmake run\n```") == {"gone", "run"}
    assert targets("run: x ## y\n\nX := 1\ntest-all:\n") == {"run", "test-all"}


def unreleased(changelog: str) -> bool:
    """Whether there is a place for what the next version brings."""
    return bool(re.search(r"^## \[Unreleased\]$", changelog, re.MULTILINE))


def test_changelog_has_a_place_for_what_comes() -> None:
    assert unreleased(read("CHANGELOG.md"))
    assert not unreleased("# Changelog\n\n## [0.1.0]\n")
