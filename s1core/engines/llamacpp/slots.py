"""Which of llama.cpp's slots a text goes to: the one that has read most of it.

llama.cpp would choose by itself, but not the slot of a request that was left a moment ago and has not ended there yet,
which is where a forced Wait belongs. A request that is sent to such a slot waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from s1core.engines.http.llamacpp import ANY_SLOT


@dataclass(slots=True, eq=False)
class _Slot:
    ids: tuple[int, ...] = ()
    """What it has read, as far as is known here."""
    taken: bool = False
    turn: int = 0
    """When it was taken last."""


class Slots:
    """All slots of one llama.cpp; safe from any thread."""

    def __init__(self, count: int) -> None:
        self._slots = [_Slot() for _ in range(count)]
        self._lock = threading.Lock()
        self._turns = 0

    @property
    def live(self) -> int:
        """Slots that are taken."""
        return sum(slot.taken for slot in self._slots)

    def take(self, prompt: Sequence[int]) -> int:
        """Return a free slot: the one that knows most of a prompt, else the oldest; `ANY_SLOT` if none is free."""
        with self._lock:
            free = [n for n, slot in enumerate(self._slots) if not slot.taken]
            if not free:
                return ANY_SLOT
            prompt = tuple(prompt)
            number = max(free, key=lambda n: self._worth(self._slots[n], prompt))
            slot = self._slots[number]
            self._turns += 1
            slot.taken, slot.turn, slot.ids = True, self._turns, prompt
            return number

    @staticmethod
    def _worth(slot: _Slot, prompt: tuple[int, ...]) -> tuple[int, int]:
        common = common_prefix(slot.ids, prompt)
        # All prompts begin alike; for a few tokens no other text is thrown away.
        return common if 2 * common >= len(prompt) else 0, -slot.turn

    def give_back(self, number: int, ids: Sequence[int]) -> None:
        """Free a slot, which has read these ids."""
        if number != ANY_SLOT:
            with self._lock:
                slot = self._slots[number]
                slot.taken, slot.ids = False, tuple(ids)


def common_prefix(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """Length of what two texts have in common at their beginning, by halving."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
