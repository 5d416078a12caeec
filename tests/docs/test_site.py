"""The site's parts: what is generated, where links lead, and that a broken site is not passed."""

from pathlib import Path

import pytest

from tools.docs import metrics, pages, protocol, schemas, verify
from tools.docs.pages import Broken

CLAUSES = """
## 1 Words

### 1.1 Values

**1.1.1** A thing (1.1.2), see section 1.1; not 3.11, nor `1.1.2`'s 9.9.9.

**1.1.2** Another.
"""


def test_clauses_are_anchors_and_lead_to_each_other() -> None:
    text = protocol.with_anchors(CLAUSES)
    assert '<a class="clause" id="1.1.1" href="#1.1.1">1.1.1</a> A thing' in text
    assert "([1.1.2](#1.1.2)), see section [1.1](#1.1); not 3.11" in text
    assert "### 1.1 Values { #1.1 }" in text
    assert "[9.9.9]" not in text


def test_sections_are_cut_out() -> None:
    text = "# A\n\n## One two\n\nx\n\n```sh\n# no heading\n```\n\n### Below\n\ny\n\n## Three\n\nz\n"
    cut = pages.section(text, "one-two")
    assert cut is not None
    assert cut.startswith("x")
    assert cut.endswith("y")
    assert pages.section(text, "no-heading") is None


def test_links_become_links_between_pages() -> None:
    def link(target: str, source: str = "docs/guide/groups.md") -> str:
        return pages._link(target, source, "guide/groups.md")

    assert link("../../spec/protocol.md#4.4") == "../protocol/index.md#4.4"
    assert link("../../README.md") == "../start.md"
    assert link("../assets/icon.svg") == "../assets/icon.svg"
    assert link("https://example.org/x.md") == "https://example.org/x.md"
    assert link("#here") == "#here"
    with pytest.raises(Broken, match="not on the site"):
        link("../../src/hubbub/ports.py")
    with pytest.raises(Broken, match="gone"):
        link("gone.md")


def test_a_page_shows_a_file_and_leads_to_it() -> None:
    there = pages._link("../../spec/codes.toml", "docs/protocol/codes.md", "protocol/codes.md")
    assert there == "../spec/codes.toml"


def test_what_nobody_generates_is_told() -> None:
    with pytest.raises(Broken, match="no generator"):
        pages._generated("weather")


EXPOSED = (
    "# HELP hub_a Things.\n# TYPE hub_a counter\nhub_a 1\n# HELP hub_b More.\n# TYPE hub_b gauge\n"
)


def test_metrics_get_the_servers_words() -> None:
    page = metrics.merged("### `hub_a`\n\nadvice\n\n### `hub_b`, `process_x`\n", EXPOSED)
    assert "### `hub_a` { #hub_a }\n\n*Counter. Things.*\n\nadvice" in page
    assert "*Gauge. More.*" in page


@pytest.mark.parametrize("page", ["### `hub_a`\n", "### `hub_a`, `hub_b`, `hub_c`\n"])
def test_a_metric_without_advice_or_advice_without_a_metric_is_told(page: str) -> None:
    with pytest.raises(metrics.Unexplained):
        metrics.merged(page, EXPOSED)


def test_types_in_words() -> None:
    def words(schema: dict[str, object]) -> str:
        return schemas.kind(schema, lambda name: f"#{name}")

    assert words({"type": "array", "items": {"$ref": "#/$defs/Media"}}) == "list of [Media](#Media)"
    assert words({"pattern": "^chat_[0-7]", "type": "string"}) == "id `chat_…`"
    assert words({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "string or null"
    assert words({"enum": ["a", "b"]}) == "`a`, `b`"
    assert schemas.bounds({"minimum": 0, "maximum": 9}) == "At most 9."
    row = schemas.fields({"properties": {"a": {"enum": ["x|y"]}}, "required": []}, str)
    assert "`x\\|y`" in row
    assert schemas.prose("`<a>` is ext:<sub>") == "`<a>` is ext:&lt;sub>"


# ── verify ───────────────────────────────────────────────────────────────────────────────────

WRONG = {
    '<a href="gone.html">': "leads to gone.html",
    '<a href="other.html#gone">': "leads to other.html#gone",
    '<a href="#gone">': "leads to #gone",
    '<img src="gone.png">': "leads to gone.png",
    '<script src="https://cdn.example/x.js"></script>': "from another host",
    '<link rel="stylesheet" href="//fonts.example/css">': "from another host",
}


@pytest.mark.parametrize("html", WRONG)
def test_a_fault_of_the_site_is_found(html: str, tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text('<h2 id="there">x</h2>', "utf-8")
    (tmp_path / "index.html").write_text(html, "utf-8")
    (found,) = verify.faults(tmp_path)
    assert WRONG[html] in found


def test_a_good_site_has_no_faults(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.html").write_text('<h2 id="a b">x</h2><a href="../">up</a>', "utf-8")
    (tmp_path / "index.html").write_text(
        '<a href="sub/other.html#a%20b">x</a> <a href="https://example.org">out</a>', "utf-8"
    )
    (tmp_path / "a.css").write_text("a { background: url(data:image/png;base64,x) }", "utf-8")
    assert list(verify.faults(tmp_path)) == []
    (tmp_path / "a.css").write_text("@import 'https://fonts.example/a.css';", "utf-8")
    assert len(list(verify.faults(tmp_path))) == 1
