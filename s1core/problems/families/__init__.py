"""The problem families, one module each."""

from __future__ import annotations

from s1core.problems.families.clock import Clock
from s1core.problems.families.coins import Coins
from s1core.problems.families.cups import Cups
from s1core.problems.families.days import Days
from s1core.problems.families.kinship import Kinship
from s1core.problems.families.letters import Letters
from s1core.problems.families.ordering import Ordering
from s1core.problems.families.shopping import Shopping
from s1core.problems.families.sums import Sums
from s1core.problems.families.walks import Walks
from s1core.problems.family import Family

FAMILIES: dict[str, Family] = {
    f.name: f for f in (Letters(), Shopping(), Cups(), Clock(), Ordering(), Days(), Coins(), Walks(), Kinship(), Sums())
}

__all__ = ["FAMILIES"]
