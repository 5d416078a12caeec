"""The examples of the documents: fenced blocks, and what stands above each.

`sh`, `python` and `js` are run in their order, a page in one shell. A block with a title is a file
that a later one names. Above a block may stand, as a comment:

    <!-- output -->           what the block before printed; … stands for anything
    <!-- beside: WORDS -->    it goes on beside the others, once it has printed these words
    <!-- shown: REASON -->    it is not run

and above all of them, anywhere in the page, `<!-- after: OTHER.md -->`: the other page's examples
are run before these.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

FENCE: Final = re.compile(
    r"^(?:<!-- (?P<mark>output|beside|shown)(?:: (?P<words>.+))? -->\n)?"
    r"(?P<indent> *)```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?(?P<odd>.*)\n"
    r"(?P<text>(?:.*\n)*?)(?P=indent)```$",
    re.MULTILINE,
)
AFTER: Final = re.compile(r"^<!-- after: (\S+) -->$", re.MULTILINE)
RUN: Final = ("sh", "python", "js")
PLAIN: Final = ("", "text")
COMMAND: Final = re.compile(
    r"^\s*(?:\$ |(?:\S*/)?(?:hubbub|curl|pip|python3?|make|node|export) )", re.MULTILINE
)


@dataclass(frozen=True)
class Example:
    """One fenced block. `words`: of its mark."""

    language: str
    text: str
    line: int
    mark: str = ""
    words: str = ""
    title: str = ""

    @property
    def runs(self) -> bool:
        """Whether it is done, not only shown, compared or saved."""
        return self.mark in ("", "beside") and not self.title and self.language in RUN


def examples(page: str) -> list[Example]:
    """All blocks of a page, in their order."""
    return list(_examples(page))


def _examples(page: str) -> Iterator[Example]:
    for found in FENCE.finditer(page):
        yield Example(
            found["language"],
            re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
            page.count("\n", 0, found.start("text")),
            found["mark"] or "",
            found["words"] or "",
            found["title"] or "",
        )


def before(page: str) -> str | None:
    """The page whose examples are run before this one's, as it names it."""
    found = AFTER.search(page)
    return found[1] if found else None


def unclear(page: str) -> list[str]:
    """What is wrong with how a page's blocks are marked, a sentence each."""
    blocks, wrong = examples(page), []
    if page.count("```") != 2 * len(blocks):
        wrong.append("a fence is not closed, or has words that are not understood")
    for at, block in enumerate(blocks):
        where = f"line {block.line}"
        match block.mark:
            case "shown" | "beside" if not block.words:
                wrong.append(f"{where}: {block.mark} needs words")
            case "output" if not any(each.runs for each in blocks[:at]):
                wrong.append(f"{where}: nothing is run before this output")
            case "" if block.title and not _used(block.title, blocks[at + 1 :]):
                wrong.append(f"{where}: no later block uses the file {block.title}")
            case "" if not block.title and block.language not in (*RUN, *PLAIN):
                wrong.append(f"{where}: {block.language} is not run; say `shown: why`")
            case "" if block.language in PLAIN and COMMAND.search(block.text):
                wrong.append(f"{where}: this looks like commands; call them sh")
    return wrong


def _used(title: str, later: list[Example]) -> bool:
    word = title.removesuffix(".py")  # it may be imported
    return any(block.runs and word in block.text for block in later)


def pattern(output: str) -> re.Pattern[str]:
    """What output must look like to be the one that is shown; white space is one as another."""
    words = (re.escape(word).replace("…", ".*?") for word in output.split())
    return re.compile(r"\s*".join(words), re.DOTALL)
