"""What a client_id looks like."""

import uuid

import pytest

from hubbub.domain.limits import client_uuid

GIVEN = "0198A7f0-7abc-7abc-8000-00000000002a"


def test_a_uuid_is_its_bytes_in_either_case() -> None:
    assert client_uuid(GIVEN) == uuid.UUID(GIVEN).bytes


@pytest.mark.parametrize(
    "given",
    [
        "",
        GIVEN[:-1],
        GIVEN + "0",
        GIVEN.replace("-", ""),
        "{" + GIVEN[1:],
        GIVEN.replace("-7abc-", "7-abc-", 1),
        GIVEN[:-2] + " a",
        GIVEN[:-2] + "  ",  # bytes.fromhex passes over these
        GIVEN[:-1] + "-",
        GIVEN[:-2] + "--",
        GIVEN[:-1] + "g",
        GIVEN[:-1] + "٣",
    ],
)
def test_what_is_no_uuid_is_none(given: str) -> None:
    assert client_uuid(given) is None
