"""Nodes and buckets over TLS, with certificates of an authority of one's own, on Debian's Redis."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.adapters.valkey.buckets import ValkeyBuckets
from hubbub.adapters.valkey.examine import examine
from hubbub.adapters.valkey.nodes import ValkeyNodes
from hubbub.ports import Unavailable
from hubbub.ports.nodes import user
from tests.contract.nodes.stage import PATIENCE, staged
from tests.support.certificates import Signed, signed
from tests.support.valkeys import REDIS, ValkeyCluster, ValkeyServer, WatchedValkey
from tests.support.wait import eventually

pytestmark = pytest.mark.slow
# The driver does not wait until TLS has said goodbye, where it is refused.
refused = pytest.mark.filterwarnings("ignore::ResourceWarning")
HOSTNAMES = (
    "--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname"
)  # fmt: skip


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(tls: Signed) -> Iterator[ValkeyServer]:
    made = ValkeyServer(program=REDIS, tls=tls, password="hush")
    try:
        made.start()
        yield made
    finally:
        made.close()


async def works(url: str) -> None:
    """Two nodes hear each other and share buckets."""
    async with staged(lambda: ValkeyNodes(url)) as stage:
        ann, bob = await stage.node(), await stage.node()
        await ann.nodes.place([user(number) for number in range(100)], [])
        assert await bob.nodes.find([user(7)]) == [(ann.nodes.me,)]
        await bob.nodes.send([(ann.nodes.me, b"hello")])
        await ann.heard(b"hello")
        assert isinstance(bob.nodes, ValkeyNodes)
        assert await ValkeyBuckets(bob.nodes).take("ann", 1, 1) == 0


async def test_a_server(server: ValkeyServer) -> None:
    await works(server.url)
    assert (await examine(server.url)).major == 7


@pytest.mark.parametrize("preferred", ["ip", "hostname"])
async def test_a_cluster(tmp_path: Path, preferred: str) -> None:
    """A host name stands alone in the certificate: whoever went to an address would be refused."""
    by_name = preferred == "hostname"
    tls = signed(tmp_path, "localhost" if by_name else "127.0.0.1")
    cluster = ValkeyCluster(*HOSTNAMES * by_name, program=REDIS, tls=tls)
    try:
        cluster.start()
        await works(cluster.url)
        found = await examine(cluster.url)
        assert (found.primaries, found.replicas) == (3, 3)
    finally:
        cluster.close()


@refused
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_sentinels_with_passwords(tmp_path: Path, name: str) -> None:
    watched = WatchedValkey(program=REDIS, tls=signed(tmp_path, name), password="hush")
    try:
        watched.start()
        await works(watched.url)
        found = await examine(watched.url)
        assert (found.sentinels, found.replicas, found.replica) == (3, 1, False)
        with pytest.raises(Unavailable, match="wants a password"):
            await examine(watched.url.replace("sentinel_password=hush2", "sentinel_password=no"))
    finally:
        watched.close()


@refused
@pytest.mark.parametrize(
    ("differs", "says"),
    [
        (("ssl_ca_certs=", "ssl_ca_path="), "not trusted: .*rediss://.*ssl_ca_certs=FILE"),
        (("ssl_certfile=", "#"), "or a certificate"),
        (("127.0.0.1", "localhost"), "not trusted: .*not valid for 'localhost'"),
        (("rediss://", "redis://"), "ssl_ca_certs, which goes with rediss://"),
        ((":hush@", ":wrong@"), "wants a password"),
        ((":hush@", ""), "wants a password"),
    ],
)
async def test_what_is_wrong_is_said(
    server: ValkeyServer, differs: tuple[str, str], says: str
) -> None:
    with pytest.raises(Unavailable, match=says) as caught:
        await examine(server.url.replace(*differs))
    assert "hush" not in str(caught.value)


async def test_nobody_speaks_to_who_is_not_trusted(server: ValkeyServer) -> None:
    told: list[bool] = []
    nodes = ValkeyNodes(server.url.replace("ssl_ca_certs=", "ssl_ca_path="), told.append)
    task = asyncio.create_task(nodes.run())
    try:
        await eventually(lambda: told == [False], "it is told", PATIENCE)
        assert "not trusted" in nodes.trouble
        assert "hush" not in nodes.trouble
    finally:
        task.cancel()
        await asyncio.wait([task])
