"""What is left of one file after a power loss."""

from random import Random

from tests.simulation.image import Image


def test_each_sector_keeps_a_version_it_had() -> None:
    """Every mixture of old, new and newest comes up, and never bytes that nobody wrote there."""
    met: set[bytes] = set()
    for seed in range(300):
        image = Image(b"a" * 2048)
        image.write(0, b"b" * 1024)
        image.write(512, b"c" * 512)
        image.truncate(1536)
        left = image.survive(Random(seed), 512)
        assert len(left) in (1536, 2048)
        assert set(left[:512]) <= set(b"ab")
        assert set(left[512:1024]) <= set(b"abc")
        assert set(left[1024:1536]) == set(b"a")
        assert set(left[1536:]) <= set(b"a\0")
        met |= {bytes(left[:1024:512])}
        image.flush()
        assert image.survive(Random(seed), 512) == b"b" * 512 + b"c" * 512 + b"a" * 512
    assert met == {first + second for first in (b"a", b"b") for second in (b"a", b"b", b"c")}
