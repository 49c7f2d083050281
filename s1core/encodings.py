"""Which encoding a text file is in, as far as its first bytes tell: spreadsheets and other systems write marks."""

from __future__ import annotations

import codecs

HEAD = 4
"""Bytes that suffice."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # The mark of UTF-16 begins that of UTF-32, which therefore comes first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(head: bytes) -> str:
    """Return the name of the encoding, for `decode` and `open`; marks are left out by it. UTF-8 where nothing tells."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    # Without a mark: JSON and tables begin with a character of ASCII, beside which there is a zero.
    if len(head) >= HEAD and head[0] and not head[1] and head[2] and not head[3]:
        return "utf-16-le"
    if len(head) >= HEAD and not head[0] and head[1] and not head[2] and head[3]:
        return "utf-16-be"
    return "utf-8"
