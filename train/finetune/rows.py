"""Rows as they stand in a file: which fields hold the chat, where the thinking is, and how files are read.

A row has `user` and `assistant` (with `system`, if any), or `messages` whose last turn is the assistant's, or `text`, a
chat that is rendered already with `<|im_start|>` and `<|im_end|>`. Thinking that has a field of its own, as servers of
reasoning models write it, is put between the format's markers; what would be left out is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from s1core.encodings import HEAD, encoding_of
from s1core.errors import InvalidSetting
from s1core.escapes import eaten_command
from s1core.formats import FORMATS, ThinkingFormat
from s1core.types import Message

FIELDS = "user and assistant, or messages, or text"
THINKING = (
    *("reasoning_content", "reasoning", "reasoning_text", "thinking", "thinking_content", "thoughts", "thought"),
    *("chain_of_thought", "cot", "rationale", "scratchpad"),
)
"""Names of fields that hold the thinking of a turn."""
_LIKE_THINKING = re.compile(r"reason|think|thought|rationale|scratchpad|chain_of|(^|_)cot(_|$)", re.IGNORECASE)
_ABOUT = re.compile(
    r"(tokens?|counts?|length|effort|budget|level|mode|type|format|style|model|lang(uage)?|source|id|time|seconds|enabled)$",
    re.IGNORECASE,
)
"""Ends of such names that say something of the thinking and hold none."""
_FOREIGN = re.compile(
    r"\s*(<(think|thinking|thought|thoughts|reasoning|reflection|scratchpad)>|\[think\]|<\|begin_of_thought\|>"
    r"|<\|channel\|>|◁think▷|<seed:think>)",
    re.IGNORECASE,
)
"""How thinking begins in the text of a turn, in notations of other families."""
_HALF = re.compile("[\ud800-\udfff]")
_CALLS = ("tool_calls", "function_call")
_TURN = re.compile(r"<\|im_start\|>(system|user|assistant)\n")
Raw = dict[str, Any]


def turns(raw: Mapping[str, Any], fmt: ThinkingFormat = FORMATS["s1"]) -> tuple[list[Message], str]:
    """The chat before the last assistant turn, and that turn.

    Args:
        raw: a row.
        fmt: between whose markers thinking is put that has a field of its own.

    Raises:
        ValueError: the fields are there but hold no such chat, or something in them would not be trained.
        KeyError: they are not there.
    """
    if "user" in raw and "assistant" in raw:
        system = [{"role": "system", "content": raw["system"]}] if raw.get("system") else []
        chat = [*system, {"role": "user", "content": raw["user"]}, {"role": "assistant", "content": raw["assistant"]}]
    elif "messages" in raw:
        chat = list(raw["messages"])
    else:
        chat = _parsed(raw["text"])
    made = [Message(role=cast("Any", turn["role"]), content=_content(turn, fmt)) for turn in chat]
    for message in made:
        _require_readable(message.content)
    if len(made) < 2 or made[-1].role != "assistant" or not made[-1].content.strip():
        raise ValueError("its last turn is not an assistant's with text, or nothing comes before it")
    answer = made[-1].content
    if not _thinks(answer):
        _require_readable(thinking := _thinking(raw))
        answer = _with_thinking(answer, thinking, fmt)
    _require_whole(answer)
    if raw.get("no_loss") and answer != chat[-1]["content"]:
        raise ValueError("no_loss counts the characters of a turn, whose thinking must then stand in its text")
    return made[:-1], answer


def _content(turn: Mapping[str, Any], fmt: ThinkingFormat) -> str:
    """The text of a turn, with its thinking.

    Raises:
        ValueError: it is no text, or says more than would be trained.
    """
    content, thinking = turn.get("content"), _thinking(turn) or _nested(turn)
    if called := next((name for name in _CALLS if turn.get(name)), None):
        raise ValueError(f"a turn has {called}, which would not be trained")
    if isinstance(content, list):
        thought, content = _of_parts(cast("list[Any]", content))
        thinking = thinking or thought
    if turn["role"] not in ("system", "user", "assistant") or not isinstance(content, str):
        raise ValueError("a turn needs a role (system, user, assistant) and a text")
    if thinking and turn["role"] != "assistant":
        raise ValueError(f"a turn of the {turn['role']} has thinking, which would not be trained")
    if thinking and _thinks(content):
        if thinking.strip() in content:
            return content
        raise ValueError("a turn has one thinking in its text and another in a field of its own")
    return _with_thinking(content, thinking, fmt)


def _of_parts(parts: list[Any]) -> tuple[str, str]:
    """The thinking and the text of a turn that comes in parts.

    Raises:
        ValueError: a part is neither.
    """
    thinking, text = "", ""
    for part in parts:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind in ("thinking", "reasoning"):
            thought = _thinking(part) or str(part.get("text") or "")
            if not thought and any(value for name, value in part.items() if name != "type"):
                raise ValueError(f"its {kind} has no text, and would not be trained")
            thinking += thought
        elif kind in ("text", "output_text") and isinstance(part.get("text"), str):
            text += part["text"]
        else:
            raise ValueError(f"a turn needs a role and a text, and it has a part of the type {kind!r}")
    return thinking, text


def _thinking(fields: Mapping[str, Any]) -> str:
    """The thinking that has a field of its own; empty where there is none.

    Raises:
        ValueError: it is no text, or has a name under which it is not known, and would be left out.
    """
    found: dict[str, str] = {}
    for name, value in fields.items():
        if not isinstance(name, str) or not value or not (name in THINKING or _LIKE_THINKING.search(name)):
            continue
        if name in THINKING and isinstance(value, str):
            found[name] = value
        elif name in THINKING and not isinstance(value, bool | int | float):
            raise ValueError(f"its field {name} is no text, and would not be trained")
        elif not isinstance(value, bool | int | float) and not _ABOUT.search(name):
            raise ValueError(f"its field {name} would not be trained; call it thinking, or leave it out")
    texts = {_bare(text) for text in found.values()} - {""}
    if len(texts) > 1:
        raise ValueError(f"its fields {' and '.join(found)} differ; keep the one that is meant")
    return texts.pop() if texts else ""


def _nested(turn: Mapping[str, Any]) -> str:
    """The thinking in a field of fields, where some clients put what a server adds to the protocol."""
    found = {_thinking(value) for value in turn.values() if isinstance(value, Mapping)} - {""}
    if len(found) > 1:
        raise ValueError("a turn has more than one thinking; keep the one that is meant")
    return found.pop() if found else ""


def _bare(thinking: str) -> str:
    """Thinking without the markers that some put into its field too."""
    for fmt in FORMATS.values():
        if block := fmt.block(thinking):
            return thinking[block.start : block.end].strip()
    return thinking.strip()


def _require_readable(text: str) -> None:
    """Refuse a text that whoever wrote the file did not mean.

    Raises:
        ValueError: a JSON reader has eaten into its LaTeX, or it has halves of characters.
    """
    if command := eaten_command(text):
        raise ValueError(f"it has a control character instead of {command}; double the backslashes of LaTeX in JSON")
    if _HALF.search(text):
        raise ValueError("it has half of a character (a lone surrogate), which no file can hold; write it again")


def _require_whole(answer: str) -> None:
    """Refuse an answer whose thinking would be taken for something else.

    Raises:
        ValueError: it is never closed, nothing follows it, or its notation is of another family.
    """
    blocks = [block for fmt in FORMATS.values() if (block := fmt.block(answer))]
    if not blocks and (found := _FOREIGN.match(answer)):
        raise ValueError(
            f"its thinking begins with {found[1]}, which no known format does; name it as a field: thinking"
        )
    if any(block.after == block.end for block in blocks):
        raise ValueError("its thinking is never closed: the text was cut, and would teach to end in the middle")
    if blocks and not any(answer[block.after :].strip() for block in blocks):
        raise ValueError("nothing follows its thinking: a row needs an answer")


def _thinks(text: str) -> bool:
    """Whether a turn has thinking in its text, in any format."""
    return any((block := fmt.block(text)) and text[block.start : block.end].strip() for fmt in FORMATS.values())


def _with_thinking(answer: str, thinking: str, fmt: ThinkingFormat) -> str:
    if not thinking.strip():
        return answer
    empty = next((fmt.answer_of(answer) for fmt in FORMATS.values() if fmt.block(answer)), answer)
    return fmt.turn(thinking, empty)


def _parsed(text: str) -> list[dict[str, str]]:
    """Take a rendered chat apart. The markers inside an assistant's turn are not turns."""
    pieces = _TURN.split(text)[1:]
    if not pieces:
        raise ValueError("its text is no chat with <|im_start|> turns")
    return [
        {"role": role, "content": content.rstrip("\n").removesuffix("<|im_end|>")}
        for role, content in zip(pieces[::2], pieces[1::2], strict=True)
    ]


def read_rows(path: Path) -> Iterator[Raw]:
    """Yield the rows of a curated set (a folder with `dataset/`), a dataset on disk, JSON lines, a list or Parquet.

    Raises:
        InvalidSetting: there is no such thing at `path`, or it is damaged.
    """
    if not path.exists() or str(path) in ("", "."):
        raise InvalidSetting(
            f"no data at {str(path)!r}; name a curated set (curated/NAME) or a .jsonl or .parquet file"
        )
    try:
        yield from _folder_rows(path) if path.is_dir() else _file_rows(path)
    except InvalidSetting:
        raise
    except UnicodeDecodeError as error:
        encoding = error.encoding.upper()
        raise InvalidSetting(f"{path} is no {encoding} text at byte {error.start}; save it as UTF-8") from None
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"{path} cannot be read: {error}; make or copy it again") from None


def _folder_rows(path: Path) -> Iterator[Raw]:
    folder = path / "dataset" if (path / "dataset").is_dir() else path
    if not (folder / "dataset_info.json").exists() and not (folder / "state.json").exists():
        raise InvalidSetting(f"{path} holds no dataset; a curated set has a folder called dataset")
    import datasets

    yield from cast("Any", datasets.load_from_disk(str(folder)))


def _file_rows(path: Path) -> Iterator[Raw]:
    if path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        try:
            yield from pyarrow.parquet.read_table(path).to_pylist()
        except pyarrow.ArrowException as error:
            raise InvalidSetting(f"{path} is no whole Parquet file: {error}") from None
        return
    if path.suffix not in (".jsonl", ".json", ".ndjson"):
        raise InvalidSetting(f"{path} is neither JSON lines (.jsonl) nor Parquet (.parquet); convert it")
    with path.open("rb") as begun:
        encoding = encoding_of(begun.read(HEAD))
    with path.open(encoding=encoding) as file:
        is_list = file.read(64).lstrip()[:1] == "["
        file.seek(0)
        named = _listed(path, file.read()) if is_list else _lines(path, file)
        for place, row in named:
            if not isinstance(row, dict):
                raise InvalidSetting(f"{path}, {place}, is not a JSON object")
            yield cast("Raw", row)


def _lines(path: Path, file: Any) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InvalidSetting(
                    f"{path}, line {number}, is not JSON: {error}; every row is one line, or all are one JSON list"
                ) from None


def _listed(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSetting(f"{path} is not a JSON list: {error}; save its rows as JSON lines") from None
    for number, row in enumerate(rows, 1):
        yield f"entry {number}", row
