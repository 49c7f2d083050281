"""Rows to train on: read from a curated set or a file, rendered in the model's chat template, masked.

Which fields of a row hold the chat is told in `rows.py`. Loss is on the last assistant turn alone, from its first
token to the end of the turn. What users and traces wrote is encoded so that no special token can come of it.

A row may also have `no_loss`: pairs `[start, end]` of characters of the last assistant turn that carry no loss, such as
a slip that the rest of the trace mends, or a Wait that budget forcing writes. Tokens never cross the edge of such a
span: each piece is encoded by itself, as text is that budget forcing puts in.

Instead of a file, `skills:N` names N rows of `train.s1_135m.skills`, and `problems:N` N rows of `s1core.problems` that
nobody curated; both are made anew from the seed.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from s1core.chat_template import ChatTemplate
from s1core.errors import InvalidSetting
from s1core.formats import FORMATS, Block
from s1core.problems import rows as problem_rows
from s1core.thinking import Codec, thinking_format
from s1core.types import Message
from train.finetune.config import TrainConfig
from train.finetune.rows import FIELDS, read_rows, turns
from train.s1_135m.skills import rows as skill_rows

IGNORED = -100
"""The label of a token without loss."""
Span = tuple[int, int]
"""First character, and the one after the last."""
SHOWN = 1_200
"""Characters of a part of a row that people see."""
_MADE = re.compile(r"(skills|problems):([1-9]\d{0,6})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One training sequence. `labels[i]` is `ids[i]` where it is learned, else `IGNORED`."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def learned(self) -> int:
        """Tokens with loss. The first token of a sequence is predicted from nothing and never counts."""
        return sum(label != IGNORED for label in self.labels[1:])


class Shown(NamedTuple):
    """Part of a row as people see it."""

    text: str
    learned: bool


class _Piece(NamedTuple):
    """Part of an assistant turn, and where it begins in it."""

    start: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingData:
    """Rows, and what became of those that were too long."""

    source: str
    rows: list[Row]
    held_out: list[Row] = field(default_factory=list[Row])
    too_long: int = 0
    """Rows that had more tokens than allowed."""
    rule: str = "refuse"
    longest: int = 0
    """Tokens of the longest row as it was read."""
    sample: tuple[Shown, ...] = ()
    """The first row, in parts."""
    notes: tuple[str, ...] = ()
    """What may not be meant, in one sentence each."""

    @property
    def fingerprint(self) -> str:
        """Short hash of every id and label, held-out rows included."""
        digest = hashlib.sha256()
        for row in (*self.rows, *self.held_out):
            digest.update(repr((row.ids, row.labels)).encode())
        return digest.hexdigest()[:16]

    def facts(self) -> dict[str, Any]:
        """What receipts and previews say of the data."""
        return {
            "source": self.source,
            "rows": len(self.rows),
            "held_out": len(self.held_out),
            "tokens": sum(len(row.ids) for row in self.rows),
            "learned_tokens": sum(row.learned for row in self.rows),
            "longest": self.longest,
            "too_long": self.too_long,
            "too_long_rule": self.rule,
            "fingerprint": self.fingerprint,
        }

    def summary(self) -> str:
        """What became of the rows, in one sentence."""
        held = f", {len(self.held_out)} held out" if self.held_out else ""
        fate = {"truncate": "cut at the end, so that their answers are lost", "drop": "left out"}
        long = f"; {self.too_long} were too long and {fate[self.rule]}" if self.too_long else "; none was too long"
        return ". ".join((f"{len(self.rows)} rows of {self.source}{held}{long}", *self.notes))


class Renderer:
    """Turns rows into ids and labels for one model."""

    def __init__(self, tokenizer: Any, format_name: str) -> None:
        """Take a tokenizer of transformers.

        Raises:
            InvalidSetting: it has no chat template, or is not a fast one.
        """
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None or not tokenizer.chat_template:
            lacks = "tokenizer.json" if backend is None else "chat template"
            raise InvalidSetting(f"the model's tokenizer has no {lacks}; fine-tune an instruction-tuned model")
        self._template = ChatTemplate(tokenizer)
        self._other_formats = Counter[str]()
        """Rows that have their thinking in the markers of another format."""
        self._eos_id: int | None = tokenizer.eos_token_id
        self._codec = Codec(backend, self._template)
        self.format = self._codec.fit(thinking_format(format_name))

    def row(self, messages: Sequence[Message], answer: str, no_loss: Sequence[Span] = ()) -> Row:
        """Render a chat, and the assistant's turn that answers it, as the model is asked and answers.

        What the template writes of the thinking block belongs to the prompt; the assistant learns to write the rest.

        Args:
            messages: the chat before that turn.
            answer: the turn.
            no_loss: spans of characters of `answer` whose tokens are read but not learned.

        Raises:
            InvalidSetting: the chat template refuses these turns, or opens a block and the answer has no thinking.
        """
        block = self.format.block(answer)
        if block is None and (other := next((fmt.name for fmt in FORMATS.values() if fmt.block(answer)), "")):
            self._other_formats[other] += 1
        prompt, tail = self._codec.render_chat(self._as_shown(messages), think=block is not None)
        if block is not None:
            tail = self.format.without_closed_block(tail)
        opened = self.format.is_inside(tail)
        if opened and block is None:
            raise InvalidSetting(
                "the model's chat template opens a thinking block, but the answer has no "
                f"{self.format.close_by_model.strip()}; give every answer its thinking, or use another template"
            )
        ids = [*prompt, *self._codec.encode_template(tail)]
        labels = [IGNORED] * len(ids)
        for piece, encode in self._assistant(answer, block, opened=tail if opened else ""):
            for text, learned in _cut(piece, no_loss):
                new = encode(text)
                ids += new
                labels += new if learned else [IGNORED] * len(new)
        return Row(ids=(*ids, *self.end), labels=(*labels, *self.end))

    @cached_property
    def end(self) -> tuple[int, ...]:
        """Ids after the answer: the end of the turn, or of the sequence where the template ends no turn.

        Raises:
            InvalidSetting: the chat template leaves out the assistant's turn.
        """
        after = self._codec.encode_template(self._after_turn())
        if self._control(after) or self._eos_id is None:
            return after
        return (self._eos_id,)

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """The id by which a trained model ends its turn; none where the rows teach no end."""
        return self._control(self.end)[:1]

    def _control(self, ids: Sequence[int]) -> tuple[int, ...]:
        return tuple(i for i in ids if i in self._codec.control_ids or i == self._eos_id)

    def notes(self) -> tuple[str, ...]:
        """What may not be meant with this model and the rows so far, in one sentence each."""
        notes: list[str] = []
        if not self._control(self._codec.encode_template(self._after_turn())):
            learned = "the end of the sequence is learned in its place" if self.stop_ids else "no row teaches to stop"
            notes.append(f"The chat template writes no token that ends an assistant's turn; {learned}")
        for other, count in self._other_formats.items():
            notes.append(
                f"{count} rows have their thinking in the markers of {other}, which are plain text in the format "
                f"{self.format.name}; choose format={other}"
            )
        return tuple(notes)

    def shown(self, row: Row) -> tuple[Shown, ...]:
        """A row in parts that are learned or not, each cut in its middle if it is long."""
        marked = zip(row.ids, (label != IGNORED for label in row.labels), strict=True)
        parts = [([i for i, _ in part], learned) for learned, part in groupby(marked, key=lambda pair: pair[1])]
        return tuple(Shown(_shortened(self._codec.decode(ids)), learned) for ids, learned in parts)

    def _assistant(
        self, text: str, block: Block | None, *, opened: str
    ) -> list[tuple[_Piece, Callable[[str], tuple[int, ...]]]]:
        """Take the turn apart: the format's own markers where they belong, everything else is plain text.

        Args:
            text: the turn.
            block: where its thinking is.
            opened: the end of the prompt, if it opens the block already.
        """
        user, template = self._codec.encode_user, self._codec.encode_template
        if block is None:
            return [(_Piece(0, text), user)]
        start, opening = block.start, _Piece(0, text[: block.start])
        if opened:
            opening = _Piece(0, "")
            start += opened.endswith("\n") and text[start : start + 1] == "\n"
        elif not start:
            # The turn comes without the opening, which another model's template wrote.
            opening = _Piece(0, self.format.open)
        return [
            (opening, template),
            (_Piece(start, text[start : block.end]), user),
            (_Piece(block.end, text[block.end : block.after]), template),
            (_Piece(block.after, text[block.after :]), user),
        ]

    def _as_shown(self, messages: Sequence[Message]) -> list[Message]:
        """The chat with the thinking of earlier turns left out where the template shows none."""
        return [
            replace(m, content=self.format.earlier_turn(m.content)) if m.role == "assistant" else m for m in messages
        ]

    def _after_turn(self) -> str:
        """What the chat template writes after an assistant's turn."""
        mark = "⟦turn⟧"
        chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": mark}]
        before, shown, after = self._template(chat, ask=False).rpartition(mark)
        if not shown:
            raise InvalidSetting("the model's chat template leaves out the assistant's turn; use another template")
        return after


def _shortened(text: str) -> str:
    if len(text) <= SHOWN:
        return text
    return f"{text[: SHOWN // 2]} [... {len(text) - SHOWN:,} characters ...] {text[-SHOWN // 2 :]}"


def _cut(piece: _Piece, no_loss: Sequence[Span]) -> Iterator[tuple[str, bool]]:
    """Yield the texts of a piece between the edges of the spans, and whether each is learned."""
    last = piece.start + len(piece.text)
    edges = {piece.start, last} | {at for span in no_loss for at in span if piece.start < at < last}
    for start, end in pairwise(sorted(edges)):
        hidden = any(a <= start and end <= b for a, b in no_loss)
        yield piece.text[start - piece.start : end - piece.start], not hidden


def load_data(config: TrainConfig, tokenizer: Any) -> TrainingData:
    """Read, render and mask every row.

    Raises:
        InvalidSetting: no such file, no rows, rows without the fields, rows too long under `refuse`, or no row left.
    """
    renderer = Renderer(tokenizer, config.format)
    rows = [_row(renderer, raw, number, config.data) for number, raw in enumerate(_raw_rows(config), 1)]
    if not rows:
        raise InvalidSetting(f"{config.data} has no rows; choose other data")
    longest = max(len(row.ids) for row in rows)
    fitting = [row for row in rows if len(row.ids) <= config.max_length]
    too_long = len(rows) - len(fitting)
    if too_long and config.too_long == "refuse":
        raise InvalidSetting(
            f"{too_long} of {len(rows)} rows have more than max_length={config.max_length} tokens (the longest "
            f"{longest}); raise max_length, or choose too_long=drop, or too_long=truncate, which loses their answers"
        )
    if too_long and config.too_long == "truncate":
        fitting = [Row(ids=row.ids[: config.max_length], labels=row.labels[: config.max_length]) for row in rows]
    held_out, kept = _split(fitting, config.eval_rows, config.seed)
    if not any(row.learned for row in kept):
        raise InvalidSetting(
            f"no row of {config.data} is left to learn from (of {len(rows)}, {too_long} were too long, "
            f"{len(held_out)} are held out); raise max_length, or lower eval_rows"
        )
    return TrainingData(
        source=config.data,
        rows=kept,
        held_out=held_out,
        too_long=too_long,
        rule=config.too_long,
        longest=longest,
        sample=renderer.shown(kept[0]),
        notes=renderer.notes(),
    )


def _split(rows: list[Row], count: int, seed: int) -> tuple[list[Row], list[Row]]:
    chosen = set(random.Random(f"{seed}/held-out").sample(range(len(rows)), min(count, len(rows))))
    return [rows[i] for i in sorted(chosen)], [row for i, row in enumerate(rows) if i not in chosen]


def _raw_rows(config: TrainConfig) -> Iterator[dict[str, Any]]:
    made = _MADE.fullmatch(config.data)
    if made is None:
        return read_rows(Path(config.data))
    return (skill_rows if made[1] == "skills" else problem_rows)(int(made[2]), config.seed)


def _row(renderer: Renderer, raw: dict[str, Any], number: int, source: str) -> Row:
    try:
        messages, answer = turns(raw, renderer.format)
        no_loss = _spans(raw, answer)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        said = str(error) if isinstance(error, ValueError) else f"it has {', '.join(map(str, raw)) or 'no fields'}"
        raise InvalidSetting(f"row {number} of {source} cannot be used: {said}; rows need {FIELDS}") from None
    try:
        return renderer.row(messages, answer, no_loss)
    except InvalidSetting as error:
        raise InvalidSetting(f"row {number} of {source} cannot be used: {error}") from None


def _spans(raw: dict[str, Any], answer: str) -> list[Span]:
    """The row's `no_loss`, checked.

    Raises:
        ValueError: a span is no pair of whole numbers, or does not lie in the turn.
    """
    spans = [tuple(span) for span in raw.get("no_loss") or ()]
    for span in spans:
        if len(span) != 2 or not all(type(at) is int for at in span) or not 0 <= span[0] <= span[1] <= len(answer):
            raise ValueError(
                f"no_loss has the span {list(span)}, and the assistant's turn has {len(answer)} characters"
            )
    return spans
