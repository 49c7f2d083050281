"""Lines of lm-eval's samples: one for each question and filter, put together to one sample for each question."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evals.importers.lines import Json, Notes, as_object
from evals.importers.questions import options_of, prompt_of, question_of
from evals.importers.rows import Sample, guess_kind
from evals.importers.thinking import Parts, opens_thinking, split_raw, split_thinking
from evals.importers.verdicts import Score, Scores, read_score
from s1core.grading import grade

_METRICS = ("math_verify", "exact_match", "acc", "acc_norm")
"""Verdicts that a line may hold without naming its metrics."""
KNOWN_FIELDS = {
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "doc_hash", "prompt_hash", "target_hash"),
    *("filter", "metrics", "bypass", "extracted_answer", "extracted_answers"),
}
_GROUPS = ("subject", "Subdomain", "High-level domain", "domain", "category", "type")
_INVALID = "[invalid]"
"""What lm-eval's filters give where they find no answer."""
_LONGEST_LIST = 10_000
_MOST_TARGETS = 64
_NO_FILTER = "none"


def metrics_of(row: Json) -> list[str]:
    """Return the names of the verdicts on a line, in an order of their own."""
    named: Any = row.get("metrics")
    names = {name for name in named if isinstance(name, str)} if isinstance(named, list) else set()
    return sorted({name for name in names | set(_METRICS) if name in row and name != "bypass"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a samples file that can be used."""

    row: Json
    id: str
    targets: tuple[str, ...]
    kind: str
    texts: tuple[str | None, ...]
    """What the model wrote, sample by sample; None where the log holds nothing."""
    ranked: bool
    """Nothing was written: the text is the option that the model holds for the most likely one."""

    @property
    def filter(self) -> str:
        """The filter whose verdicts these are."""
        name = self.row.get("filter")
        return name[:60] if isinstance(name, str) and name else _NO_FILTER

    @property
    def digest(self) -> bytes:
        """Tells lines of one question with different answers apart."""
        text = json.dumps([self.row.get("target"), self.row.get("resps")], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:16]

    def scores(self, better: Mapping[str, bool]) -> dict[str, Score]:
        """Read the verdicts of this line.

        Args:
            better: by metric, whether a higher value is the better one, where the log says so.
        """
        if len(self.texts) > 1:  # a verdict is one for each line; it says nothing about each of several samples
            return {}
        answer = self._extracted()
        found: dict[str, Score] = {}
        for name in metrics_of(self.row):
            found |= read_score(name[:60], self.row[name], answer, higher_is_better=better.get(name))
        if not found and answer is not None:
            right = any(grade(answer, target, kind=self.kind).correct for target in self.targets)  # type: ignore[arg-type]
            return {"extracted_answer": Score(value=float(right), answer=answer)}
        return found

    def _extracted(self) -> str | None:
        """The answer that was judged: the authors', else the filter's."""
        if self.ranked:
            return self.texts[0]
        for name in ("extracted_answer", "extracted_answers", "filtered_resps"):
            found: Any = self.row.get(name)
            found = found[0] if isinstance(found, list) and found else found
            text = str(found).strip() if isinstance(found, str | int) else ""
            # A filter that finds nothing says so, and one that does nothing gives the text back.
            if text and not (name == "filtered_resps" and (text == _INVALID or self.filter == _NO_FILTER)):
                return None if self.texts[0] is not None and text == self.texts[0].strip() else text
        return None

    def samples(self, scores: Scores, hidden: str | None) -> list[Sample]:
        """Make the samples of this line.

        Args:
            scores: what all lines of the question say of it.
            hidden: why a text without marks may have lost its thinking.
        """
        doc, opened = as_object(self.row, "doc"), opens_thinking(prompt_of(self.row))
        group = next((doc[name] for name in _GROUPS if isinstance(doc.get(name), str)), self.id.rpartition("/")[0])
        return [
            Sample(
                id=self.id,
                group=group,
                sample_index=index,
                targets=self.targets,
                kind=self.kind,
                question=question_of(self.row),
                parts=self._parts(text, opened),
                thinking_tokens=0 if self.ranked else None,
                hidden=hidden,
                lost=None if text is not None else "the log holds no answer",
                empty=text is None,
                scores=scores,
            )
            for index, text in enumerate(self.texts)
        ]

    def _parts(self, text: str | None, opened: bool) -> Parts:
        if self.ranked or not text:
            return Parts(thinking="", close="", answer=text or "", closed_by=None)
        asked = as_object(as_object(as_object(self.row, "arguments"), "gen_args_0"), "arg_1")
        return split_raw(text) if asked.get("reasoning_format") == "raw" else split_thinking(text, opened=opened)


def read_line(row: Json, task: str) -> Line:
    """Read one line of a samples file.

    Raises:
        ValueError: it cannot be used, and why.
    """
    targets, labels = _targets(row.get("target")), _labels(row)
    likely = _most_likely(row, labels)
    texts = _texts(row.get("resps")) if likely is None else (likely,)
    if not isinstance(row.get("doc_id"), int | str):
        raise ValueError("no doc_id")
    if likely is not None:
        targets = tuple(labels[int(target)] if _is_place(target, labels) else target for target in targets)
    kind = guess_kind(task, targets[0], options=likely is not None or bool(options_of(as_object(row, "doc"))))
    if likely is not None and kind != "choice":
        kind = "text"
    return Line(
        row=row, id=f"{task}/{row['doc_id']}", targets=targets, kind=kind, texts=texts, ranked=likely is not None
    )


def logged_samples(row: Json, task: str) -> list[Sample]:
    """Read one line alone.

    Raises:
        ValueError: it cannot be used, and why.
    """
    line = read_line(row, task)
    return line.samples(line.scores({}), None)


@dataclass(slots=True)
class Merged:
    """The lines of one file by question, so that neither their order nor that of their filters matters."""

    task: str
    better: Mapping[str, bool] = field(default_factory=dict)
    """By metric, whether a higher value is the better one."""
    docs: dict[str, dict[bytes, dict[tuple[str, str], Score]]] = field(default_factory=dict)
    """By question and text: verdicts by metric and filter."""
    filters: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    repeated: int = 0
    several: int = 0

    def take(self, row: Json) -> None:
        """Take a line.

        Raises:
            ValueError: it cannot be used, and why.
        """
        line = read_line(row, self.task)
        self.filters.add(line.filter)
        self.several += len(line.texts) > 1 and bool(metrics_of(row))
        texts = self.docs.setdefault(line.id, {})
        before = texts.setdefault(line.digest, {})
        new = line.scores(self.better) or {"": Score(value=None)}
        self.repeated += any((name, line.filter) in before for name in new)
        for name, score in new.items():
            key = name, line.filter
            # Twice the same verdict, with different values: neither is one.
            before[key] = score if before.get(key, score) == score else Score(value=None)

    def samples(self, row: Json, hidden: str | None) -> list[Sample]:
        """Return the samples of the question of a line, once: of the line that stands for all of them."""
        try:
            line = read_line(row, self.task)
        except ValueError:
            return []
        texts = self.docs.get(line.id, {})
        if line.id in self.given or not texts or line.digest != min(texts):
            return []
        self.given.add(line.id)
        alone = len(self.filters) == 1
        verdicts = texts[line.digest].items()
        scores = {name if alone else f"{name},{of}": score for (name, of), score in verdicts if name}
        return line.samples(scores, hidden)

    def note(self, path: str, notes: Notes) -> None:
        """Note what was left out, and what is unknown."""
        if other := sum(len(texts) - 1 for texts in self.docs.values()):
            notes.add(f"{path} holds another answer to {other} of its questions as well, which was left out")
        if self.repeated:
            notes.add(f"{path} holds {self.repeated} lines twice; each question counts once")
        if self.several:
            notes.add(f"{path} holds one verdict for several samples of a question; each sample was graded here")


def _targets(target: object) -> tuple[str, ...]:
    """The right answers; lm-eval writes a list of them as Python does."""
    if isinstance(target, str) and target.lstrip().startswith(("['", '["')):
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            target = ast.literal_eval(target[:_LONGEST_LIST])
    found = target if isinstance(target, list | tuple) else [target]
    texts = tuple(str(each) for each in found if isinstance(each, str | int | float) and str(each).strip())
    if not texts:
        raise ValueError("no target, so that the answer cannot be graded")
    return texts[:_MOST_TARGETS]


def _texts(resps: Any) -> tuple[str | None, ...]:
    inner = resps[0] if isinstance(resps, list) and resps and isinstance(resps[0], list) else resps
    if isinstance(inner, list) and not inner:
        return (None,)
    if not isinstance(inner, list) or not inner or not all(text is None or isinstance(text, str) for text in inner):
        raise ValueError("no response (`resps` holds no text)")
    return tuple(inner)


def _labels(row: Json) -> list[str]:
    """The options whose likelihoods were compared: each is a request of its own."""
    arguments = as_object(row, "arguments")
    requests = [as_object(arguments, f"gen_args_{number}") for number in range(len(arguments))]
    return [str(request["arg_1"]).strip() for request in requests if isinstance(request.get("arg_1"), str)]


def _most_likely(row: Json, labels: list[str]) -> str | None:
    """The option with the highest likelihood; None where the model wrote a text."""
    resps: Any = row.get("resps")
    if not isinstance(resps, list) or len(resps) != len(labels) or len(labels) < 2:
        return None
    found = [_likelihood(resp) for resp in resps]
    if any(number is None for number in found):
        return None
    return labels[max(range(len(found)), key=lambda place: (found[place] or 0.0, -place))]


def _likelihood(resp: Any) -> float | None:
    """The number of `[[-1.5, false]]`, which lm-eval writes as texts."""
    pair = resp[0] if isinstance(resp, list) and len(resp) == 1 else resp
    if not isinstance(pair, list) or len(pair) != 2 or str(pair[1]).lower() not in ("true", "false"):
        return None
    try:
        number = float(pair[0])
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number == number else None


def _is_place(target: str, labels: list[str]) -> bool:
    return target.isdecimal() and target not in labels and int(target) < len(labels)
