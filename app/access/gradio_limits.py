"""Bounds Gradio's state for clients that submit without reading, and how often it polls where nobody submits."""

from __future__ import annotations

import gradio as gr

from app.shell import gradio_compat
from app.shell.events import STREAMS

MOST_SESSIONS = 200
"""Pages whose components Gradio remembers, a quarter of a megabyte each; nothing here is kept there. A call of its API
that names no session counts as one."""
MOST_UNREAD = 1_000
"""Pages whose messages are kept until they are fetched."""
MOST_EVENTS = 200
"""Presses that wait to be looked at; Gradio refuses more."""
TELL_EVERY_S = 5.0
LOOK_EVERY_S = 0.005
"""For presses; Gradio looks 1,000 times a second, which takes 4 % of a core more where nobody presses."""


def bound(page: gr.Blocks, *, public: bool) -> gr.Blocks:
    """Set the limits of a page.

    Args:
        page: laid out already.
        public: whether strangers use it, who may submit without reading.
    """
    # Gradio works on 40 events at a time otherwise; those who come later would wait for a whole run to end.
    gradio_compat.size(page, sessions=MOST_SESSIONS, events_at_once=2 * STREAMS)
    if not public:
        return page.queue(default_concurrency_limit=STREAMS)
    # By default all who wait are told of every event that ends. Nobody needs that: the page says its own place in line.
    page.queue(default_concurrency_limit=STREAMS, max_size=MOST_EVENTS, status_update_rate=TELL_EVERY_S)
    gradio_compat.bound_queue(page, unread_sessions=MOST_UNREAD, poll_s=LOOK_EVERY_S)
    return page
