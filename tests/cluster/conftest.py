"""Three servers on one PostgreSQL and one Valkey, which all tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster

SETTINGS = {"HUBBUB_SERVER_OFFLINE_AFTER": "0.5", "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.running(tmp_path_factory.mktemp("cluster"), 3, SETTINGS) as made:
        yield made
