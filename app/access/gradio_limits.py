"""What Gradio keeps and does for pages that press and do not listen, and where nobody presses: bounded."""

from __future__ import annotations

from asyncio import Queue
from typing import Any

import gradio as gr
from gradio.utils import LRUCache

MOST_SESSIONS = 200
"""Pages whose components Gradio remembers, a quarter of a megabyte each; nothing here is kept there. A call of its API
that names no session counts as one."""
MOST_UNHEARD = 1_000
"""Pages whose messages are kept until they are fetched."""
MOST_EVENTS = 200
"""Presses that wait to be looked at; Gradio refuses more."""
TELL_EVERY_S = 5.0
LOOK_EVERY_S = 0.005
"""For presses; Gradio looks 1,000 times a second, which takes 4 % of a core more where nobody presses."""


class Messages(LRUCache[str, Any]):
    """Queues by page. What is sent to one that had to make room for others is lost, and nothing else."""

    def __missing__(self, page: str) -> Any:
        """Return a queue that nobody reads; an error would end Gradio's own loop, which serves everybody."""
        return Queue()


def bound(page: gr.Blocks, concurrency: int) -> gr.Blocks:
    """Let strangers who do not listen take no more than this."""
    # By default all who wait are told of every event that ends. Nobody needs that: the page says its own place in line.
    page.queue(default_concurrency_limit=concurrency, max_size=MOST_EVENTS, status_update_rate=TELL_EVERY_S)
    page._queue.pending_messages_per_session = Messages(MOST_UNHEARD)
    page._queue.sleep_when_free = LOOK_EVERY_S
    return page
