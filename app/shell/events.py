"""How Gradio events of the tabs are set up."""

from __future__ import annotations

from typing import Any

STREAMS = 64
"""Runs streamed at once. The engine batches them; this only bounds what one process will hold open."""

# Not queued: when a queued event ends, Gradio closes the session's stream and drops its queued events, so that a Run
# at that moment would be lost.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
QUIET_LAST: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
