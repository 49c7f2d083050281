"""A running count: somebody or some place has things, more come, some go."""

from __future__ import annotations

from s1core.problems.arithmetic import Arithmetic, running
from s1core.problems.families.shopping_measures import MEASURES
from s1core.problems.families.shopping_owners import draw_own_story
from s1core.problems.families.shopping_scenes import PLACES, aside
from s1core.problems.problem import Draw, Problem


class Shopping(Arithmetic):
    """A running count with one to six changes."""

    name = "shopping"
    description = "how many are left after some come and some go"
    examples = {
        "Ann has 14 apples. Bob gives her 5 more. She sells 3. How many apples does Ann have now?": "16",
        "A bus has 20 passengers. 4 get off and 6 get on. How many passengers are on the bus?": "22",
    }
    fewest, most, glance_upto = 1, 6, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        start = draw.number(3, draw.pick((12, 30, 60)))
        changes, value = list[int](), start
        for _ in range(steps):
            if value > 4 and draw.chance(0.5):
                change = -draw.number(1, min(value - 1, draw.pick((5, 9, 15, 25))))
            else:
                change = draw.number(1, draw.pick((6, 12, 20, 30)))
            changes.append(change)
            value += change
        if draw.chance(0.55):
            sentences, ask = draw_own_story(draw, start, changes)
        else:
            sentences, ask = draw.pick((*PLACES, *MEASURES)).tell(draw, start, changes)
        if sentences and draw.chance(0.12):
            sentences.insert(draw.number(1, len(sentences)), aside(draw))
        told = " ".join(sentences)
        return Problem(
            family=self.name,
            question=(
                f"{ask} {told}" if draw.chance(0.1) and " he " not in ask.replace(" she ", " he ") else f"{told} {ask}"
            ).strip(),
            key=f"{start}{''.join(f'{change:+d}' for change in changes)}",
            frames=tuple(draw.frames),
            start="",
            opening=f"It starts with {start}.",
            items=running(start, changes),
        )
