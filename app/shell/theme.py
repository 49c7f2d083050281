"""The look that Gradio's own fields need. Everything else is in the tabs' own style sheets.

Colour is kept for meaning: amber is a forced Wait, blue a forced close, green and red an answer's verdict. Controls are
ink on paper, so that nothing on the page competes with the trace.
"""

from __future__ import annotations

from pathlib import Path

from gradio.themes import Base
from gradio.themes.utils import sizes

FAVICON = Path(__file__).with_name("favicon.png")
SANS = (
    "Atkinson Hyperlegible Next",
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Helvetica Neue",
    "Noto Sans",
    "sans-serif",
)
MONO = (
    "Atkinson Hyperlegible Mono",
    "ui-monospace",
    "SF Mono",
    "Cascadia Mono",
    "Menlo",
    "Consolas",
    "DejaVu Sans Mono",
    "monospace",
)
TEXT = sizes.Size(
    name="text", xxs="0.75rem", xs="0.75rem", sm="0.8125rem", md="0.9375rem", lg="1rem", xl="1.25rem", xxl="1.5rem"
)


def build() -> Base:
    """Return the theme; its colours are the custom properties of `base.css`, which know light and dark."""
    both: dict[str, str] = {
        "body_background_fill": "var(--paper)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--ink-soft)",
        "background_fill_primary": "var(--paper)",
        "background_fill_secondary": "var(--paper-sunk)",
        "block_background_fill": "transparent",
        "block_border_color": "var(--line)",
        "block_label_text_color": "var(--ink)",
        "block_title_text_color": "var(--ink)",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--blue)",
        "color_accent_soft": "var(--paper-sunk)",
        "input_background_fill": "var(--paper-raised)",
        "input_border_color": "var(--line-strong)",
        "input_border_color_focus": "var(--blue)",
        "input_placeholder_color": "var(--ink-soft)",
        "button_primary_background_fill": "var(--ink)",
        "button_primary_background_fill_hover": "var(--ink-hover)",
        "button_primary_text_color": "var(--paper)",
        "button_primary_border_color": "var(--ink)",
        "button_secondary_background_fill": "transparent",
        "button_secondary_background_fill_hover": "var(--paper-sunk)",
        "button_secondary_text_color": "var(--ink)",
        "button_secondary_border_color": "var(--line-strong)",
        "panel_background_fill": "transparent",
    }
    theme = Base(font=SANS, font_mono=MONO, text_size=TEXT, radius_size="md")
    return theme.set(
        **both,
        **{f"{name}_dark": value for name, value in both.items()},
        block_border_width="0px",
        block_shadow="none",
        block_padding="0px",
        block_label_text_weight="600",
        block_title_text_weight="600",
        button_border_width="1px",
        input_border_width="1px",
        color_accent="var(--blue)",
    )
