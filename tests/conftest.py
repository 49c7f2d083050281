"""Settings shared by all tests: nothing leaves the machine, nothing is timed."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("S1_MODEL", "s1-nano")  # what a test does not name; s1-135M takes seconds a text
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")

settings.register_profile("default", deadline=None, print_blob=True)
settings.register_profile("quick", deadline=None, print_blob=True, max_examples=10)
settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what waits for processes of its own, so that no worker is alone with it in the end."""
    here = Path(__file__).parent / "train"
    items.sort(key=lambda item: here not in item.path.parents)
