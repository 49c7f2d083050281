"""The problem families, one module each."""

from __future__ import annotations

from s1core.problems.families.ages import Ages
from s1core.problems.families.clock import Clock
from s1core.problems.families.coins import Coins
from s1core.problems.families.comparing import Comparing
from s1core.problems.families.conversions import Conversions
from s1core.problems.families.cups import Cups
from s1core.problems.families.cycles import Days, Months
from s1core.problems.families.kinship import Kinship
from s1core.problems.families.letters import Letters
from s1core.problems.families.logic import Logic
from s1core.problems.families.ordering import Ordering
from s1core.problems.families.sequences import Sequences
from s1core.problems.families.sharing import Sharing
from s1core.problems.families.shopping import Shopping
from s1core.problems.families.sums import Sums
from s1core.problems.families.walks import Walks
from s1core.problems.family import Family

FAMILIES: dict[str, Family] = {
    f.name: f
    for f in (
        Letters(),
        Shopping(),
        Cups(),
        Clock(),
        Ordering(),
        Days(),
        Months(),
        Coins(),
        Walks(),
        Kinship(),
        Sums(),
        Sharing(),
        Conversions(),
        Ages(),
        Comparing(),
        Sequences(),
        Logic(),
    )
}

__all__ = ["FAMILIES"]
