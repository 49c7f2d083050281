"""What links to the page show elsewhere: title, description and picture, from the run or curve that they point to."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from app.artifacts.curves.store import CurveStore
from app.runs.questions import same_answer
from app.runs.render import plain
from app.shell.card import Side, Verdict, card
from app.shell.document import Preview
from app.tabs.compare import recording_file
from app.tabs.compare.opening import opening
from app.tabs.compare.tape import lane_ends, tape
from app.tabs.compare.verdict import LaneEnd
from s1core import S1Error

MOST_TITLE = 120
KEPT = ("tab", "recording", "q", "benchmark")
"""Parts of a page's query that its picture depends on."""
ABOUT = {
    "curate": ("Curate a training set", "From tens of thousands of questions to the thousand that teach thinking."),
    "train": ("Train a model to think", "Fine-tune on a thousand traces, and watch the loss while it falls."),
    "learn": ("How test-time scaling works", "Budget forcing on one page: at most so many tokens, at least so many."),
}  # fmt: skip


class Previews:
    """Makes previews of links; what a visitor wrote into one is shown as text and never fetched."""

    def __init__(self, model: str, results: CurveStore) -> None:
        """Set up.

        Args:
            model: whose recorded pair stands for the page itself.
            results: the curves.
        """
        self._model, self._results = model, results

    def of(self, query: Mapping[str, str]) -> Preview:
        """Return the title, the description and the query of the picture."""
        title, sentence, _ = self._parts(query)
        kept = {name: query[name][:MOST_TITLE] for name in KEPT if query.get(name)}
        return Preview(title=f"{title} · s1 playground", description=sentence, card=urlencode(kept))

    def picture(self, query: Mapping[str, str]) -> bytes:
        """Return the PNG."""
        title, sentence, sides = self._parts(query)
        return card(title=title, sentence=sentence, sides=sides)

    def _parts(self, query: Mapping[str, str]) -> tuple[str, str, list[Side]]:
        tab = query.get("tab", "")
        if tab == "compare":
            return self._of_race(query)
        if tab == "curves":
            return self._of_curves(query.get("benchmark", ""))
        if tab in ABOUT:
            return (*ABOUT[tab], [])
        return self._of_opening()

    def _of_opening(self) -> tuple[str, str, list[Side]]:
        try:
            made = opening(self._model, same_answer)
            ends = lane_ends(recording_file.read_bundled(made["recording"]), same_answer)
        except S1Error:  # damaged files are reported where they are played
            return "Think longer, answer better", "Decide how long a model thinks, and watch its answer change.", []
        names = ("stops at once", "made to wait")
        return made["question"], made["says"], [_side(name, end) for name, end in zip(names, ends, strict=False)]

    def _of_race(self, query: Mapping[str, str]) -> tuple[str, str, list[Side]]:
        sentence = "The same question under several settings, side by side."
        if name := query.get("recording", ""):
            try:
                race = recording_file.read_bundled(name)
            except S1Error:
                return "Compare", sentence, []
            lanes = tape(race, same_answer)
            ends = lane_ends(race, same_answer)
            shown = [_side(f"lane {number}", ends[number - 1]) for number in (1, len(ends))]
            return lanes["question"][:MOST_TITLE], lanes["verdict"] or lanes["title"], shown
        question = plain(query.get("q", "")).strip()[:MOST_TITLE]
        return question or "Compare", sentence, []

    def _of_curves(self, benchmark: str) -> tuple[str, str, list[Side]]:
        known = {one["name"]: one for one in self._results.catalogue()["benchmarks"]}
        title = f"Accuracy against thinking: {benchmark}" if benchmark in known else "Accuracy against thinking"
        says = known.get(benchmark, {}).get("says") or "How much better a model answers when it thinks longer."
        return title, says, []


def _side(name: str, end: LaneEnd) -> Side:
    verdict: Verdict = "" if end.correct is None else "right" if end.correct else "wrong"
    return Side(name, end.answer, verdict)
