"""Bounds Gradio's state for clients that submit without reading, and how often it polls where nobody submits."""

from __future__ import annotations

import gradio as gr

from app.shell import gradio_compat
from app.shell.events import STREAMS

MOST_SESSIONS = 200
"""Sessions whose component state Gradio keeps, a quarter of a megabyte each; this app stores nothing there. An API call
without a session counts as one."""
MOST_UNREAD = 1_000
"""Sessions whose messages are kept until they are fetched."""
MOST_EVENTS = 200
"""Queued events; Gradio refuses more."""
UPDATE_EVERY_S = 5.0
LOOK_EVERY_S = 0.005
"""Between two polls of the queue; Gradio's default of 1 ms takes 4 % of a core on an idle server."""


def bound(page: gr.Blocks, *, public: bool) -> gr.Blocks:
    """Set the limits of a page.

    Args:
        page: laid out already.
        public: whether to bound the state of sessions that submit without reading.
    """
    # By default Gradio handles 40 events at a time; a later one would wait for a whole run to end.
    gradio_compat.size(page, sessions=MOST_SESSIONS, events_at_once=2 * STREAMS)
    if not public:
        return page.queue(default_concurrency_limit=STREAMS)
    # By default every queued session is notified of every event that ends; the page shows its own queue position.
    page.queue(default_concurrency_limit=STREAMS, max_size=MOST_EVENTS, status_update_rate=UPDATE_EVERY_S)
    gradio_compat.bound_queue(page, unread_sessions=MOST_UNREAD, poll_s=LOOK_EVERY_S)
    return page
