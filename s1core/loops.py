"""Finds a text that goes round in circles: the same tokens again and again, right after each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable


class LoopDetector:
    """Watches a growing text for a block of tokens that is written several times in a row."""

    def __init__(self, *, repeats: int, longest: int) -> None:
        """Set up.

        Args:
            repeats: so many copies of a block are a loop; 0 finds none.
            longest: tokens of a block, at most.
        """
        self._repeats, self._longest = repeats, longest
        self._ids: list[int] = []
        self._same = [0] * (longest + 1)
        """For each length of a block: how many of the last tokens are what was written that long before them."""

    def add(self, ids: Iterable[int]) -> None:
        """Take what somebody else wrote: it is no loop, but the model may repeat it."""
        for token_id in ids:
            self._take(token_id)

    def first_loop(self, ids: tuple[int, ...]) -> int | None:
        """Take what the model wrote; return how many of its tokens there are when a loop is complete, if one is."""
        for count, token_id in enumerate(ids, start=1):
            if self._take(token_id):
                return count
        return None

    def _take(self, token_id: int) -> bool:
        if not self._repeats:
            return False
        written = len(self._ids)
        self._ids.append(token_id)
        found = False
        for length in range(1, min(self._longest, written) + 1):
            if self._ids[written - length] == token_id:
                self._same[length] += 1
                found |= self._same[length] >= length * (self._repeats - 1)
            else:
                self._same[length] = 0
        return found
