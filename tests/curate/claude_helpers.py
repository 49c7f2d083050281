"""What the tests about Claude have in common."""

from __future__ import annotations

from collections.abc import Callable

from curate.claude.client import Claude

MODEL = "claude-haiku-5-5"
MakeClaude = Callable[..., Claude]
