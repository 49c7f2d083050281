"""What closes a thinking block, in text and in ids: the marker of the model's format and the words after it."""

from __future__ import annotations

from s1core.formats import ThinkingFormat
from s1core.thinking import Codec


class Closing:
    """The closings of one run."""

    def __init__(self, codec: Codec, fmt: ThinkingFormat, final_answer_text: str) -> None:
        self._codec, self._format, self._words = codec, fmt, final_answer_text

    @property
    def most_tokens(self) -> int:
        """Length of the longest one."""
        return max(len(self.ids(by_model=by_model, thinking_text="")) for by_model in (True, False))

    def ids(self, *, by_model: bool, thinking_text: str) -> tuple[int, ...]:
        """Encode the closing of a thinking; the words may come from a user and must stay text.

        Args:
            by_model: the model ended it by itself, and needs no words to answer.
            thinking_text: what is closed.
        """
        words = "" if by_model else self._words
        marker = self._format.closing_text(by_model=by_model, thinking_text=thinking_text, final_answer_text="")
        return self._codec.encode_template(marker) + (self._codec.encode_user(words) if words else ())
