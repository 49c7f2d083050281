"""On a Space the owner signs in at the hub, where that is set up (`hf_oauth: true` in the README)."""

from __future__ import annotations

import os
from importlib.util import find_spec

import gradio as gr

NEEDED = ("SPACE_ID", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")


def is_offered() -> bool:
    """Whether Gradio can sign somebody in. Elsewhere its button lets everybody in, under an invented name."""
    return all(os.environ.get(name) for name in NEEDED) and all(find_spec(name) for name in ("authlib", "itsdangerous"))


def offer() -> None:
    """Add the button, where it works."""
    if is_offered():
        gr.LoginButton("Owner: sign in", size="sm", elem_id="owner-sign-in")
