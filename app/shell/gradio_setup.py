"""Imports Gradio as this app wants it; to be imported before anything else that needs Gradio."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported
# Else, after every event, pandas makes a summary of the last 10,000 anew, which nobody reads.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")


@contextmanager
def _without_stubs() -> Generator[None, None, None]:
    """Keep Gradio from writing a stub file for every one of its components, a third of the time of its import.

    It writes none for a class that has no file, and it alone is told so.
    """
    file_of = inspect.getfile

    def getfile(thing: Any) -> str:
        if sys._getframe(1).f_globals.get("__name__") == "gradio.component_meta":
            raise OSError("no stub is wanted")
        return file_of(thing)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = file_of


with _without_stubs():
    import gradio

__all__ = ["gradio"]
