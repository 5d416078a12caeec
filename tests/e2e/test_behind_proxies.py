"""The page behind HAProxy and Caddy, with TLS and HTTP/2 as browsers have it there."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.person import SCREEN, Person
from tests.support.certificates import certificate
from tests.support.proxies import Caddy, Haproxy, Proxy
from tests.support.server import ServerProcess

pytestmark = pytest.mark.slow


@pytest.fixture(params=[Haproxy, Caddy], ids=["haproxy", "caddy"])
def proxy(request: pytest.FixtureRequest, shared: ServerProcess, tmp_path: Path) -> Iterator[Proxy]:
    pem = tmp_path / "chat.pem"
    pem.write_text("".join(Path(file).read_text() for file in certificate(tmp_path)))
    kind: type[Proxy] = request.param
    with closing(kind(tmp_path, [f"127.0.0.1:{shared.port}"], {"PROXY_TLS": str(pem)})) as made:
        made.start()
        yield made


def test_two_talk(browser: Browser, proxy: Proxy) -> None:
    url = f"https://localhost:{proxy.port}"
    people = []
    for name in ("Ann", "Bob"):
        context = browser.new_context(ignore_https_errors=True, viewport=SCREEN)
        username = f"{name}-{proxy.port}"
        person = Person(context, url, name, username)
        person.sign_up()
        people.append(person)
    ann, bob = people
    ann.start_chat(bob)
    ann.say("one")
    bob.enter("Ann")
    bob.say("two")
    ann.sees("one", "two")
    ann.status("one", "Read")
    protocols = ann.page.evaluate(
        "performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol)"
    )
    assert "h2" in protocols or "h3" in protocols, protocols
    for person in people:
        assert not person.faults
        person.context.close()
