"""Every example of every document does what it says."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, tracked
from tests.docs.examples import Example, before, examples, pattern, unclear
from tests.docs.project import needed, project
from tests.docs.terminal import Failed, Terminal
from tests.support.server import QUICK, free_port, running

PAGES = [name for name in tracked() if name.endswith(".md")]
HERE = "localhost:8080"
"""Where the documents' server listens; the tests' listen elsewhere."""


def steps(name: str) -> list[Example]:
    """The examples of a page, after those of the page that it continues."""
    text = (ROOT / name).read_text(encoding="utf-8")
    other = before(text)
    first = steps(os.path.normpath(Path(name).parent / other)) if other else []
    return [*first, *examples(text)]


LONG = {
    "docs/quickstart.md",
    "docs/guide/host-application.md",
    "docs/guide/life-of-a-message.md",
    "docs/guide/presence.md",
    "docs/guide/receipts-and-sync.md",
    "docs/operate/backup.md",
    "docs/operate/index.md",
    "docs/operate/troubleshooting.md",
}
"""Pages that take five seconds and more, when the others show that examples are run."""
RUNNING = [
    pytest.param(name, marks=[pytest.mark.slow] if name in LONG else [])
    for name in PAGES
    if any(each.runs for each in steps(name))
]


@pytest.mark.parametrize("name", PAGES)
def test_every_block_says_what_it_is(name: str) -> None:
    assert not unclear((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RUNNING)
def test_examples_run(name: str, tmp_path: Path, environment: Mapping[str, str]) -> None:
    run(steps(name), tmp_path, environment)


def test_the_quickstart_keeps_its_word() -> None:
    for block in steps("docs/quickstart.md"):
        if block.title:
            assert len([line for line in block.text.splitlines() if line.strip()]) <= 10


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """What a reader's shell has: our commands, and quick passwords."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("HUBBUB_")}
    path = f"{Path(sys.prefix) / 'bin'}:{ours['PATH']}"
    return ours | QUICK | {"PATH": path} | node_options()


def node_options() -> dict[str, str]:
    """Before 22, Node has WebSocket only when it is asked for."""
    if shutil.which("node") is None:
        return {}
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    old = int(told.stdout.lstrip("v").partition(".")[0]) < 22
    return {"NODE_OPTIONS": "--experimental-websocket"} if old else {}


def run(blocks: list[Example], folder: Path, env: Mapping[str, str]) -> None:
    """Run them in one shell; a server is there, unless one of them starts it. Raises Failed."""
    texts = "\n".join(block.text for block in blocks if block.runs or block.title)
    for tool in ("curl", "node"):
        if tool in texts and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    project(folder, whole="make " in texts)
    if "pip install" in texts:
        env = {**env, **needed(folder / ".needed")}
    with ExitStack() as stack:
        given = {}
        if any(block.mark == "beside" and "hubbub serve" in block.text for block in blocks):
            port = free_port()
        else:
            server = stack.enter_context(running({}))
            port, given = server.port, {"HUBBUB_SERVER_DATA": str(server.data)}
        given |= {"HUBBUB_SERVER_PORT": str(port), "HUBBUB": f"http://127.0.0.1:{port}"}
        terminal = Terminal(folder, {**env, **given})
        stack.callback(terminal.close)
        for block in blocks:
            do(block, terminal, folder, f"127.0.0.1:{port}")


def do(block: Example, terminal: Terminal, folder: Path, address: str) -> None:
    """One block, as its mark says. Raises Failed."""
    text = block.text.replace(HERE, address)
    if block.mark == "output":
        terminal.expect(pattern(block.text))
    elif block.title and not block.mark:
        (folder / block.title).parent.mkdir(parents=True, exist_ok=True)
        (folder / block.title).write_text(text, encoding="utf-8")
    elif block.runs:
        if block.language != "sh":
            program, ending = {"python": ("python", "py"), "js": ("node", "mjs")}[block.language]
            file = f".block-{block.line}.{ending}"
            (folder / file).write_text(text, encoding="utf-8")
            text = f"{program} {file}\n"
        terminal.paste(text, beside=block.words)


# ── the tests can fail ───────────────────────────────────────────────────────────────────────


@pytest.fixture
def bash(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, os.environ)
    yield terminal
    terminal.close()


def test_a_block_that_fails_is_noticed(bash: Terminal) -> None:
    bash.paste("word=fine\necho $word\n")
    bash.expect(pattern("fine\n"))
    with pytest.raises(Failed, match="no such thing"):
        bash.paste('echo "$word: no such thing"\nfalse\necho on\n')


def test_an_unknown_command_and_an_unset_variable_are_noticed(tmp_path: Path) -> None:
    for block in ("hubbub-that-is-not\n", "echo $not_set\n"):
        terminal = Terminal(tmp_path, os.environ)
        with pytest.raises(Failed):
            terminal.paste(block)
        terminal.close()


def test_other_output_is_noticed(tmp_path: Path) -> None:
    bash = Terminal(tmp_path, os.environ, patience=1.0)
    bash.paste("echo one; echo two\n")
    bash.expect(pattern("one\n"))
    bash.expect(pattern("o…\ntwo\n"))
    bash.paste("echo three\n")
    with pytest.raises(Failed):
        bash.expect(pattern("one\n"))
    bash.close()


def test_what_goes_on_beside_is_heard(bash: Terminal) -> None:
    bash.paste("mkfifo pipe\n")
    bash.paste("echo ready\nread -r line < pipe\necho heard $line\n", beside="ready")
    bash.paste("echo it > pipe\n")
    bash.expect(pattern("heard it\n"))


UNCLEAR = {
    "```toml\na = 1\n```\n": "toml is not run",
    '```toml title="a.toml"\na = 1\n```\n': "no later block uses",
    "```\nhubbub serve\n```\n": "looks like commands",
    "<!-- output -->\n```text\nx\n```\n": "nothing is run before",
    "<!-- shown -->\n```sh\nx\n```\n": "needs words",
    "```sh\ntrue\n": "not closed",
    "```sh linenums\ntrue\n```\n```\n": "not closed",
}


@pytest.mark.parametrize("page", UNCLEAR)
def test_an_unclear_block_is_found(page: str) -> None:
    assert UNCLEAR[page] in "; ".join(unclear(page))


def test_blocks_are_read() -> None:
    page = (
        '<!-- after: ../README.md -->\n```toml title="a.toml"\nx = 1\n```\n\n'
        "<!-- beside: is ready -->\n```sh\nhubbub serve --config a.toml\n```\n\n"
        "1. In a list:\n\n    ```python\n    if True:\n        pass\n    ```\n"
    )
    assert before(page) == "../README.md"
    assert not unclear(page)
    file, serve, python = examples(page)
    assert (file.title, file.runs) == ("a.toml", False)
    assert (serve.mark, serve.words, serve.runs) == ("beside", "is ready", True)
    assert python.text == "if True:\n    pass\n"
