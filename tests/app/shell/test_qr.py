"""QR codes: bit for bit as another encoder makes them."""

from __future__ import annotations

import hashlib

import pytest

from app.shell.qr import MOST_BYTES, encode, svg
from s1core.errors import InvalidSetting

LONG = "https://a.b/?q=" + "x%20y" * 200
# Compared with segno 1.6.6 at level M and the same mask, without the byte of zeros that it adds before the padding.
KNOWN = [
    (1, 21, "9d1dde5ac05151b2"),
    (14, 21, "b058ef92399cdf92"),
    (15, 25, "1e95f8aa0eeb0da8"),
    (100, 41, "4aeec3d8645c59df"),
    (181, 57, "6dd536e1bfe78653"),
    (660, 97, "d4c482ff02ac4242"),
]


@pytest.mark.parametrize(("length", "size", "digest"), KNOWN)
def test_codes_are_those_of_the_standard(length: int, size: int, digest: str) -> None:
    modules = encode(LONG[:length])
    assert len(modules) == size == len(modules[0])
    assert hashlib.sha256("".join("01"[dark] for row in modules for dark in row).encode()).hexdigest()[:16] == digest


def test_a_link_that_is_too_long_is_one_sentence() -> None:
    encode("x" * MOST_BYTES)
    with pytest.raises(InvalidSetting, match="Share a shorter one"):
        encode("x" * (MOST_BYTES + 1))


def test_the_picture_holds_no_text_of_the_link() -> None:
    picture = svg("</svg><script>alert(1)</script>")
    assert "script" not in picture and picture.startswith("<svg")
