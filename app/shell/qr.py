"""A QR code of a link: bytes, error correction level M, versions 1 to 20. Pure; after ISO/IEC 18004."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise, product
from typing import Any

from s1core.errors import InvalidSetting

Modules = list[list[bool]]
"""Rows of modules, true where dark."""
MOST_BYTES = 666
QUIET = 4
"""Light modules around the code."""
_EC_AND_BLOCKS = (
    (10, 1), (16, 1), (26, 1), (18, 2), (24, 2), (16, 4), (18, 4), (22, 4), (22, 5), (26, 5),
    (30, 5), (22, 8), (22, 9), (24, 9), (24, 10), (28, 10), (28, 11), (26, 13), (26, 14), (26, 16),
)  # fmt: skip
"""By version, from 1, at level M: error correction codewords of a block, and blocks."""
_MASKS = (
    lambda r, c: (r + c) % 2,
    lambda r, c: r % 2,
    lambda r, c: c % 3,
    lambda r, c: (r + c) % 3,
    lambda r, c: (r // 2 + c // 3) % 2,
    lambda r, c: r * c % 2 + r * c % 3,
    lambda r, c: (r * c % 2 + r * c % 3) % 2,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2,
)


def svg(text: str) -> str:
    """Return the code as a picture, dark on white.

    Raises:
        InvalidSetting: the text is too long.
    """
    modules = encode(text)
    size = len(modules) + 2 * QUIET
    dark = "".join(
        f"M{c + QUIET} {r + QUIET}h1v1h-1z" for r, c in product(range(len(modules)), repeat=2) if modules[r][c]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path d="{dark}"/></svg>'
    )


def encode(text: str) -> Modules:
    """Return the modules of the smallest code that holds a text.

    Raises:
        InvalidSetting: the text is too long.
    """
    content = text.encode()
    version = next((v for v in range(1, len(_EC_AND_BLOCKS) + 1) if len(content) <= _room(v)), 0)
    if not version:
        raise InvalidSetting(f"A code holds {MOST_BYTES} bytes; this link has {len(content)}. Share a shorter one.")
    codewords = _with_correction(_data(content, version), version)
    candidates = [_drawn(codewords, version, mask) for mask in range(len(_MASKS))]
    return min(candidates, key=_penalty)


def _size(version: int) -> int:
    return 17 + 4 * version


def _raw_codewords(version: int) -> int:
    modules = (16 * version + 128) * version + 64
    if version > 1:
        count = len(_alignments(version))
        modules -= (25 * count - 10) * count - 55
    return (modules - (36 if version >= 7 else 0)) // 8


def _data_codewords(version: int) -> int:
    correction, blocks = _EC_AND_BLOCKS[version - 1]
    return _raw_codewords(version) - correction * blocks


def _room(version: int) -> int:
    """Bytes of text that a version holds."""
    return _data_codewords(version) - (2 if version < 10 else 3)


def _data(content: bytes, version: int) -> bytes:
    length_bits = 8 if version < 10 else 16
    bits = f"0100{len(content):0{length_bits}b}" + "".join(f"{byte:08b}" for byte in content) + "0000"
    bits += "0" * (-len(bits) % 8)
    words = [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]
    padding = (0xEC, 0x11)
    return bytes([*words, *(padding[n % 2] for n in range(_data_codewords(version) - len(words)))])


def _with_correction(data: bytes, version: int) -> bytes:
    """Divide the data into blocks, add the correction of each, and interleave them."""
    correction, blocks = _EC_AND_BLOCKS[version - 1]
    short, longer = divmod(len(data), blocks)
    parts: list[bytes] = []
    at = 0
    for number in range(blocks):
        size = short + (number >= blocks - longer)
        parts.append(data[at : at + size])
        at += size
    checks = [_remainder(part, correction) for part in parts]
    mixed = [part[n] for n in range(short + 1) for part in parts if n < len(part)]
    return bytes([*mixed, *(check[n] for n in range(correction) for check in checks)])


def _times(a: int, b: int) -> int:
    """Multiply in the field of 256 elements."""
    product_ = 0
    for bit in range(7, -1, -1):
        product_ = (product_ << 1) ^ (0x11D if product_ & 0x80 else 0)
        product_ ^= a if b >> bit & 1 else 0
    return product_


@cache
def _generator(degree: int) -> tuple[int, ...]:
    found = [0] * (degree - 1) + [1]
    root = 1
    for _ in range(degree):
        for place in range(degree):
            found[place] = _times(found[place], root) ^ (found[place + 1] if place + 1 < degree else 0)
        root = _times(root, 2)
    return tuple(found)


def _remainder(data: bytes, degree: int) -> bytes:
    rest = [0] * degree
    for byte in data:
        factor = byte ^ rest[0]
        rest = [*rest[1:], 0]
        rest = [word ^ _times(step, factor) for word, step in zip(rest, _generator(degree), strict=True)]
    return bytes(rest)


def _alignments(version: int) -> list[int]:
    if version == 1:
        return []
    count = version // 7 + 2
    step = (version * 8 + count * 3 + 5) // (count * 4 - 4) * 2
    return [6, *reversed([_size(version) - 7 - n * step for n in range(count - 1)])]


def _drawn(codewords: bytes, version: int, mask: int) -> Modules:
    size = _size(version)
    modules: Modules = [[False] * size for _ in range(size)]
    fixed: Modules = [[False] * size for _ in range(size)]

    def put(row: int, column: int, dark: bool) -> None:
        modules[row][column], fixed[row][column] = dark, True

    _draw_patterns(version, put)
    _draw_format(size, mask, put)
    _draw_version(version, put)
    bits = [word >> bit & 1 for word in codewords for bit in range(7, -1, -1)]
    for (row, column), bit in zip(_path(size, fixed), [*bits, *[0] * 7], strict=False):
        modules[row][column] = bool(bit) != (_MASKS[mask](row, column) == 0)
    return modules


def _draw_patterns(version: int, put: Any) -> None:
    size = _size(version)
    for n in range(size):
        put(6, n, n % 2 == 0)
        put(n, 6, n % 2 == 0)
    for row, column in ((3, 3), (3, size - 4), (size - 4, 3)):
        for dr, dc in product(range(-4, 5), repeat=2):
            if 0 <= row + dr < size and 0 <= column + dc < size:
                put(row + dr, column + dc, max(abs(dr), abs(dc)) not in (2, 4))
    places = _alignments(version)
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for row, column in set(product(places, repeat=2)) - corners:
        for dr, dc in product(range(-2, 3), repeat=2):
            put(row + dr, column + dc, max(abs(dr), abs(dc)) != 1)


def _draw_format(size: int, mask: int, put: Any) -> None:
    rest = mask  # level M is 00
    for _ in range(10):
        rest = rest << 1 ^ (rest >> 9) * 0x537
    bits = (mask << 10 | rest) ^ 0x5412
    bit = [bool(bits >> n & 1) for n in range(15)]
    for n in range(6):
        put(n, 8, bit[n])
        put(8, n, bit[14 - n])
    put(7, 8, bit[6])
    put(8, 8, bit[7])
    put(8, 7, bit[8])
    for n in range(8):
        put(8, size - 1 - n, bit[n])
    for n in range(8, 15):
        put(size - 15 + n, 8, bit[n])
    put(size - 8, 8, True)


def _draw_version(version: int, put: Any) -> None:
    if version < 7:
        return
    rest = version
    for _ in range(12):
        rest = rest << 1 ^ (rest >> 11) * 0x1F25
    bits = version << 12 | rest
    for n in range(18):
        near, far = _size(version) - 11 + n % 3, n // 3
        put(far, near, bool(bits >> n & 1))
        put(near, far, bool(bits >> n & 1))


def _path(size: int, fixed: Modules) -> Iterator[tuple[int, int]]:
    """Yield the places of data, two columns at a time, up and down from the right."""
    up = True
    for right in range(size - 1, 0, -2):
        column = right - (right <= 6)
        for row in range(size - 1, -1, -1) if up else range(size):
            yield from ((row, c) for c in (column, column - 1) if not fixed[row][c])
        up = not up


def _penalty(modules: Modules) -> int:
    """How hard a code is to read: long runs, squares, finder-like rows, and more of one colour than of the other."""
    total = 0
    columns = [list(column) for column in zip(*modules, strict=True)]
    for line in [*modules, *columns]:
        text = "".join("1" if dark else "0" for dark in line)
        total += sum(len(run) - 2 for run in text.replace("01", "0 1").replace("10", "1 0").split() if len(run) >= 5)
        total += 40 * (text.count("10111010000") + text.count("00001011101"))
    for upper, lower in pairwise(modules):
        for column in range(len(upper) - 1):
            total += 3 * (upper[column] == upper[column + 1] == lower[column] == lower[column + 1])
    share = sum(map(sum, modules)) / len(modules) ** 2
    return total + 10 * int(abs(share - 0.5) * 20)
