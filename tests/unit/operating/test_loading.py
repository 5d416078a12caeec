"""A server loads what it uses: what it takes to start is part of every restart."""

import subprocess
import sys


def test_a_server_alone_loads_nothing_for_engines_and_providers() -> None:
    program = """
import sys
from hubbub.config import Config
from hubbub.wiring.embedded import EmbeddedServer
EmbeddedServer(Config())
found = {"aiohttp", "asyncpg", "redis"} & set(sys.modules)
sys.exit(f"loaded: {found}" if found else 0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
