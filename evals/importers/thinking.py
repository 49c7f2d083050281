"""Where thinking ends in a text that some model wrote, in the notations that models are known to write.

A text that only mentions a mark (in quotes, in code, in the middle of a sentence) is no thinking. What cannot be told
apart is said to be unclear, and its thinking tokens are unknown: a count would look measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from s1core.budget import DEFAULT_FINAL_ANSWER_TEXT
from s1core.thinking import FORMATS
from s1core.types import ClosedBy


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """A text, split at the end of its thinking."""

    thinking: str
    close: str
    answer: str
    closed_by: ClosedBy | None
    """None where it is unknown."""
    unclear: str | None = None
    """Why thinking and answer cannot be separated for certain; None where they can."""

    @property
    def marked(self) -> bool:
        """Whether the text itself shows which part of it is thinking."""
        return bool(self.thinking or self.close)

    @property
    def segments(self) -> list[list[str]]:
        """The text by author. Text alone does not show which Waits were forced: they count as the model's."""
        parts = [
            ["model", "thinking", self.thinking],
            ["close", "answer", self.close],
            ["model", "answer", self.answer],
        ]
        return [part for part in parts if part[2]]


IN_PROSE = "a closing mark stands within a sentence"
SEVERAL = "it thinks in several places"
PREAMBLE = "it writes something before its thinking"
FOREIGN = "it begins with a block in a notation that is not known"
MIXED = "its thinking opens with one mark and ends with another"

_WORD = (
    r"(?:think|thought|reason|analys[ei]s|rationale|scratch_?pad|reflect|cot\b|cot_|思考|思[维維]|推理|推論|생각|추론|사고|"
    r"мысл|рассужд|размышл|pens[aeé]|réflexion|raisonn|razona|racioc[ií]n|ragiona|gedanke|überleg|nachdenk|denken|düşün|"
    r"تفكير|سوچ|सोच|विचार|ความคิด|suy_?nghĩ)"
)
_LETTERS = r"[\w:.▁-]{0,24}"
_NAME = rf"{_LETTERS}?{_WORD}{_LETTERS}(?![\w:.▁-])"
_BEGIN, _END = r"(?:(?:start|begin)[_▁](?:of[_▁])?)?", r"(?:/|end[_▁](?:of[_▁])?)"
_ENDS = r"[_▁-](?:end|stop|close)(?![\w:.▁-])"
_STYLES = (
    *((r"<", r"[^<>\n]{0,80}>"), (r"<\|", r"\|>"), (r"\[", r"\]"), (r"◁", r"▷"), (r"【", r"】"), (r"＜", r"＞")),
    *((r"&lt;", r"&gt;"), (r"\\u003c", r"\\u003e"), (r"<!--[ ]?", r"[ ]?-->")),
)
"""Brackets of marks, such as `<think>`, `<|START_THINKING|>`, `[THINK]`, `◁think▷`, `【思考】`, and escaped ones."""
_OPEN = re.compile(
    "|".join(rf"{left}{_BEGIN}(?!{_LETTERS}{_ENDS}){_NAME}{right}" for left, right in _STYLES), re.IGNORECASE
)
_CLOSE = re.compile(
    "|".join(rf"{left}(?:{_END}{_NAME}|{_LETTERS}?{_WORD}{_LETTERS}?{_ENDS}){right}" for left, right in _STYLES),
    re.IGNORECASE,
)
_CHANNEL = r"<\|channel\|>"
_WORDED = tuple(
    (re.compile(opens), re.compile(closes), None if again is None else re.compile(again))
    for opens, closes, again in (
        # gpt-oss, with its control tokens and without them.
        (
            rf"(?:<\|start\|>assistant)?{_CHANNEL}analysis<\|message\|>",
            rf"{_CHANNEL}final[^<\n]*<\|message\|>",
            rf"{_CHANNEL}(?:analysis|commentary)",
        ),
        (r"analysis(?=\S)", r"assistantfinal", r"assistant(?:analysis|commentary)"),
        # Gemma 4.
        (r"<\|channel>thought\n?", r"<channel\|>", r"<\|channel>thought"),
        # Granite 3.2.
        (r"Here(?: is|'s) my thought process:", r"Here(?: is|'s) my response:", None),
        # HuatuoGPT-o1.
        (r"## Thinking\n", r"\n## Final Response\n", None),
        # Pangu.
        (r"\[unused16\]", r"\[unused17\]", r"\[unused16\]"),
        # A fence; one within it leaves open which of them ends it.
        (r"```(?i:think(?:ing)?|thoughts?|reasoning|scratchpad)[ \t]*\n", r"\n```[ \t]*(?:\n|\Z)", r"```(?s:.*)```"),
        # Ollama on the command line.
        (r"Thinking\.\.\.\n", r"\n\.\.\.done thinking\.\n", None),
    )
)
"""Notations of their own: how they open, at the beginning of a text, how they close, and how they go on thinking."""
_CONTROL_END = re.compile(r"(?:<\|(?:end|start|return)\|>(?:assistant)?)+\Z")
_PLACES = ("start", "begin", "end", "of", "stop", "close")
_NEAR = 200
"""Characters around a mark that are looked at."""
_ANSWER_BLOCK = re.compile(r"(?i)answer|response|output|solution|final|result|conclu|summary|code|python|latex|math")
_BLOCK = re.compile(r"<\|?(?P<name>[^\W\d][\w:.-]{0,40})\|?>(?s:.*?)<\|?/(?P=name)\|?>\s*(?=\S)|<\|[^|<>\n]{1,60}\|>")
_ANNOUNCED = (
    r"(?:my\s+|step[- ]by[- ]step\s+)?(?:thinking|thoughts?|reasoning|(?:thought|thinking|reasoning) process|"
    r"chain[- ]of[- ]thought|scratchpad|internal monologue)|思考(?:过程|過程)?|推理(?:过程|過程)?|推論|思路|"
    r"생각(?:\s?과정)?|추론(?:\s?과정)?|рассуждени[ея]|размышления|ход\s+мыслей|gedankengang|überlegung(?:en)?|gedanken|raisonnement|"
    r"réflexion|razonamiento|pensamiento|raciocínio|pensamento|ragionamento|التفكير|सोच|düşünme|suy\s+nghĩ|penalaran"
)
_HEADING = re.compile(
    rf"(?i)[^\w\n`$\\]*(?:(?:{_ANNOUNCED})[^\w\n]*(?:\n|[:：])"
    r"|(?:thought|reasoned|thinking) for (?:\d|a few|a couple|about)|"
    r"思考了\s?\d|已深度思考|\d+초\s?동안\s?생각)"
)
"""A first line that announces thinking, which nothing closes."""
_QUOTES = "\"'`“”„‘’«»‹›「」『』"


def split_thinking(text: str, *, opened: bool = False) -> Parts:
    """Split what a model wrote at the end of its thinking, in whichever known notation it is.

    Args:
        text: the whole of it.
        opened: the prompt ended within the thinking already, so that a text without a closing mark is all thinking.
    """
    s1 = FORMATS["s1"]
    if text.startswith(s1.open) or next(_real(re.compile(re.escape(s1.close_by_model)), text), None):
        return _split_s1(text.removeprefix(s1.open))
    return _split_worded(text) or _split_marked(text, opened) or _unmarked(text)


def split_raw(text: str) -> Parts:
    """Split what this project's server wrote with `reasoning_format=raw`, to the letter.

    Thinking stands between `<think>` and `</think>` as it was thought; a forced answer begins with its label at once.
    """
    thinking, mark, answer = text.removeprefix("<think>").partition("</think>\n")
    if not text.startswith("<think>") or not mark:
        return split_thinking(text)
    forced = answer.startswith(DEFAULT_FINAL_ANSWER_TEXT)
    close = mark + DEFAULT_FINAL_ANSWER_TEXT if forced else mark
    rest = answer.removeprefix(DEFAULT_FINAL_ANSWER_TEXT) if forced else answer
    return Parts(thinking=thinking, close=close, answer=rest, closed_by="budget" if forced else "model")


def opens_thinking(prompt: str) -> bool:
    """Whether a prompt ends with an opening mark, as the templates of many reasoning models do."""
    end = prompt.rstrip()[-200:]
    return any(found.end() == len(end) for found in _OPEN.finditer(end)) or end.endswith(FORMATS["s1"].open)


def _split_s1(text: str) -> Parts:
    mark = FORMATS["s1"].close_by_model
    close = next(_real(re.compile(re.escape(mark)), text), None)
    if close is None:
        return Parts(thinking=text, close="", answer="", closed_by="context")
    thinking, answer = text[: close.start()], text[close.end() :]
    forced = "\n" + DEFAULT_FINAL_ANSWER_TEXT
    if not answer.startswith(forced):
        return Parts(thinking=thinking, close=mark, answer=answer, closed_by="model")
    # The harness writes this newline itself, before it closes the block: it is no thinking.
    newline = "\n" if thinking.endswith("\n") else ""
    return Parts(
        thinking=thinking.removesuffix("\n"),
        close=newline + mark + forced,
        answer=answer.removeprefix(forced),
        closed_by="budget",
    )


def _split_worded(text: str) -> Parts | None:
    for opens, closes, again in _WORDED:
        start = opens.match(text.lstrip())
        if start is None:
            continue
        rest = text.lstrip()[start.end() :]
        close = next(_real(closes, rest), None)
        if close is None and start[0] == "analysis":  # any text may begin with this word
            continue
        if close is None:
            return Parts(thinking=rest, close="", answer="", closed_by="context")
        thinking = _CONTROL_END.sub("", rest[: close.start()])
        mark = rest[len(thinking) : close.end()]
        unclear = SEVERAL if again is not None and again.search(rest) else None
        return Parts(thinking=thinking, close=mark, answer=rest[close.end() :], closed_by="model", unclear=unclear)
    return None


def _split_marked(text: str, opened: bool) -> Parts | None:
    """Split at marks such as `</think>`; None where there are none but quoted ones."""
    start = _OPEN.match(text.lstrip())
    body = text.lstrip()[start.end() :].removeprefix("\n") if start else text
    ends = list(_real(_CLOSE, body))
    closes = [found for found in ends if start is None or _kind(found) == _kind(start)]
    told = bool(start or opened)
    if not closes and ends and not all(_in_prose(body, end) for end in ends):
        return replace(_unmarked(text), unclear=MIXED, closed_by=None)
    if not closes:
        return Parts(thinking=body, close="", answer="", closed_by="context") if told else None
    meant = [close for close in closes if not _in_prose(body, close)]
    if not told and not meant:
        return replace(_unmarked(text), unclear=IN_PROSE)
    closes = meant or closes
    # A block that a text without an opening mark opens on its way begins behind something else.
    opens = [found for found in _real(_OPEN, body) if not told or found.start() >= closes[0].end()]
    last = closes[-1] if opens else closes[0]
    parts = Parts(
        thinking=body[: last.start()].removesuffix("\n"),
        close=last[0],
        answer=body[last.end() :],
        closed_by="model",
    )
    if not opens:
        return parts
    return replace(parts, unclear=SEVERAL if told or len(closes) > 1 else PREAMBLE)


def _kind(mark: re.Match[str]) -> tuple[str, ...]:
    """The bracket and the name of a mark, alike for the one that opens and the one that closes."""
    bracket, *words = re.findall(r"<\||&lt;|<!--|\\u003c|[<\[◁【＜]|[^\W\d_]+", mark[0].lower())
    return bracket, next((word.removesuffix("ing") for word in words if word not in _PLACES), "")


def _unmarked(text: str) -> Parts:
    block = _BLOCK.match(text.lstrip())
    foreign = bool(block and not _ANSWER_BLOCK.search(block[0].partition(">")[0])) or _HEADING.match(text) is not None
    return Parts(
        thinking="",
        close="",
        answer=text,
        closed_by="model" if text and not foreign else None,
        unclear=FOREIGN if foreign else None,
    )


def _real(mark: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Find marks that are meant, not quoted; in time linear in the text, however many there are."""
    fences, ticks, told_to = 0, 0, 0
    last_fence, next_tick, next_line = text.rfind("```"), -1, -1
    for found in mark.finditer(text):
        start, end = found.span()
        line = text.rfind("\n", told_to, start)
        fences += text.count("```", told_to, start)
        ticks = text.count("`", line + 1, start) if line >= 0 else ticks + text.count("`", told_to, start)
        told_to = start
        next_tick = _next("`", text, end, next_tick)
        next_line = _next("\n", text, end, next_line)
        in_code = ticks % 2 == 1 and next_tick < next_line
        in_fence = fences % 2 == 1 and last_fence >= end
        in_quotes = text[max(0, start - 1)] in _QUOTES and text[end : end + 1] in tuple(_QUOTES)
        if not (in_code or in_fence or in_quotes):
            yield found


def _next(sign: str, text: str, start: int, known: int) -> int:
    """Return where a sign stands at or after `start`, the length of the text if nowhere; `known` saves the search."""
    if known >= start:
        return known
    found = text.find(sign, start)
    return len(text) if found < 0 else found


def _in_prose(text: str, mark: re.Match[str]) -> bool:
    """Whether words stand on both sides of a mark, parted from it by blanks: `the </think> tag`."""
    before = text[max(0, mark.start() - _NEAR) : mark.start()].rpartition("\n")[2]
    after = text[mark.end() : mark.end() + _NEAR].partition("\n")[0]
    return before.endswith((" ", "\t")) and after.startswith((" ", "\t")) and bool(before.strip() and after.strip())
