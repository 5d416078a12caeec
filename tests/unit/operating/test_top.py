"""`hubbub top`: rates and quantiles from two samples, and what is shown while nothing answers."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from hubbub.cli import main, top
from hubbub.cli.figures import Change, Sample, parse
from hubbub.cli.screen import bar, bytes_text, duration, pad, sparkline, width
from tests.support.server import free_port, running

LATENCY = "hubbub_accept_to_delivery_seconds"


def text(stored: float = 0, refused: float = 0, buckets: tuple[int, ...] = (0, 0, 0)) -> str:
    lines = [
        "# TYPE hubbub_accepted counter",
        f"hubbub_accepted_total {stored}",
        "# TYPE hubbub_stored counter",
        f"hubbub_stored_total {stored}",
        "# TYPE hubbub_refused counter",
        f'hubbub_refused_total{{code="overloaded"}} {refused}',
        f"# TYPE {LATENCY} histogram",
        *(
            f'{LATENCY}_bucket{{le="{bound}"}} {count}'
            for bound, count in zip(("0.01", "0.1", "+Inf"), buckets, strict=True)
        ),
        f"{LATENCY}_count {buckets[-1]}",
        f"{LATENCY}_sum 0",
        "# TYPE hubbub_queue_depth gauge",
        "hubbub_queue_depth 9000",
        "# TYPE hubbub_queue_capacity gauge",
        "hubbub_queue_capacity 10000",
    ]
    return "\n".join(lines) + "\n"


def change(before: str, now: str, seconds: float = 2.0) -> Change:
    return Change(parse(before, 100.0), parse(now, 100.0 + seconds))


def test_rates_are_of_the_time_between() -> None:
    seen = change(text(100, refused=1), text(300, refused=4))
    assert seen.rate("hubbub_stored_total") == 100
    assert seen.more("hubbub_stored_total") == 200
    assert seen.labelled("hubbub_refused_total", "code", "overloaded") == 3
    assert seen.labelled("hubbub_refused_total", "code", "unheard_of") == 0
    assert seen.rate("hubbub_nothing_total") == 0


def test_a_restarted_server_counts_anew() -> None:
    seen = change(text(1_000_000, 50, (5, 5, 9)), text(40, 2, (4, 4, 4)))
    assert seen.rate("hubbub_stored_total") == 20
    assert seen.labelled("hubbub_refused_total", "code", "overloaded") == 2
    assert seen.quantile(LATENCY, 0.5) == (0.005, False)


@pytest.mark.parametrize(
    ("buckets", "q", "found"),
    [
        ((100, 100, 100), 0.5, (0.005, False)),
        ((50, 100, 100), 0.99, (0.01 + 0.09 * 0.98, False)),
        ((0, 0, 10), 0.5, (0.1, True)),
        ((0, 10, 10), 0.5, (0.055, False)),
    ],
)
def test_quantiles_are_linear_within_a_bucket(
    buckets: tuple[int, ...], q: float, found: tuple[float, bool]
) -> None:
    seconds, beyond = change(text(), text(buckets=buckets)).quantile(LATENCY, q) or (0, None)
    assert seconds == pytest.approx(found[0])
    assert beyond is found[1]


def test_no_quantile_of_nothing() -> None:
    assert change(text(buckets=(7, 8, 9)), text(buckets=(7, 8, 9))).quantile(LATENCY, 0.5) is None
    assert change(text(), text()).quantile("hubbub_unheard_of", 0.5) is None


@pytest.mark.parametrize("answer", ["", "<html>", "# TYPE a counter\na_total 1\n", "a b c\n"])
def test_what_is_no_hubbub_is_not_taken_for_one(answer: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(answer, 0.0)


def test_what_is_shown() -> None:
    view = top.View("http://localhost:1")
    assert "measuring" in shown(view)
    view.take(sample(0, text()))
    view.take(sample(1, text(1500, 3, (1500, 1500, 1500))))
    assert "1,500 /s" in shown(view)
    assert "p50    5.0 ms" in shown(view)
    assert "9,000 of 10,000" in shown(view)
    assert "Refused: overloaded" in shown(view)
    assert "+3" in shown(view)
    view.lost = "Connection refused"
    assert "Network error; retrying (Connection refused)" in shown(view)
    assert "1,500 /s" in shown(view), "the last figures stay"
    view.take(sample(2, text(1500, 3, (1500, 1500, 1500))))
    assert "Network error" not in shown(view)


def sample(at: float, exposition: str) -> Sample:
    return parse(exposition, at)


def shown(view: top.View) -> str:
    return click.unstyle("\n".join(view.lines()))


def test_small_drawings() -> None:
    assert click.unstyle(bar(5, 10)).startswith("█" * 12 + "░" * 12)
    assert click.unstyle(bar(99, 10)).count("█") == 24
    assert click.unstyle(bar(0, 0)).count("░") == 24
    assert click.unstyle(sparkline([0, 5, 10], 2)) == "▄█"
    assert click.unstyle(sparkline([0, 0], 9)) == "▁▁"
    assert click.unstyle(sparkline([], 9)) == ""
    assert [bytes_text(n) for n in (9, 1500, 2e6, 3.25e9)] == ["9 bytes", "2 KB", "2 MB", "3.2 GB"]
    spans = [duration(s) for s in (-1, 61, 3_700, 90_000)]
    assert spans == ["0 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]
    assert pad("ab", 4) == "ab  "
    assert pad("漢字漢字", 5) == "漢字…"
    assert pad("a\x1b[2Jb\n", 9) == "a [2Jb   ", "what users write commands no terminal"
    assert [width(t) for t in ("漢", "é", "\x1b[1mx\x1b[0m")] == [2, 1, 1]


# ── as a command ─────────────────────────────────────────────────────────────────────────────


def run(*options: str) -> Result:
    return CliRunner().invoke(main, ["top", "--once", "--every", "0.2", *options])


def test_once_beside_a_server(tmp_path: Path) -> None:
    with running() as server:
        result = run("--url", server.url + "/")
    assert result.exit_code == 0, result.output
    assert "0 of 10,000" in result.output
    assert "up " in result.output
    assert "Server" in result.output
    assert "Store  " in result.output


def test_no_server_is_one_line() -> None:
    result = run("--url", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert "does not answer (Connection refused)" in result.output
    assert len(result.output.splitlines()) == 1


@contextmanager
def stranger(status: int, body: bytes) -> Iterator[str]:
    """Another HTTP server."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_another_server_is_one_line() -> None:
    with stranger(200, b"\xff\x00 hello") as url:
        assert "it is no Hubbub" in run("--url", url).output
    with stranger(404, b"") as url:
        assert "does not answer (status 404)" in run("--url", url).output


def test_a_server_that_shows_its_figures_to_its_own_says_what_it_wants() -> None:
    with stranger(403, b"{}") as url:
        assert "set HUBBUB_SERVER_METRICS_TOKEN" in run("--url", url).output


def test_an_address_that_is_none() -> None:
    assert run("--url", "file:///etc/passwd").exit_code == 2
    assert run("--url", "http://[").exit_code == 1
