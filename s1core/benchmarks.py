"""The published benchmarks: where their questions are, and how they are graded. Data alone, for evals and curation."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.grading import Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the questions of a published benchmark come from, and how they are graded. Data alone."""

    title: str
    """Its name in tables and figures, the same as in the published ones."""
    kind: Kind
    hub_id: str
    hub_config: str | None = None
    split: str
    private: bool = False
    """Its authors ask that no question be published in plain text: never shipped, never shown in public."""
    gated: bool = False
    """The hub wants its terms accepted first."""


SOURCES: dict[str, Source] = {
    "aime24": Source(title="AIME24", kind="integer", hub_id="HuggingFaceH4/aime_2024", split="train"),
    "aime25": Source(title="AIME25", kind="integer", hub_id="math-ai/aime25", split="test"),
    "math500": Source(title="MATH500", kind="math", hub_id="HuggingFaceH4/MATH-500", split="test"),
    "gpqa_diamond": Source(
        title="GPQA Diamond",
        kind="choice",
        hub_id="Idavidrein/gpqa",
        hub_config="gpqa_diamond",
        split="train",
        private=True,
        gated=True,
    ),
    "gsm8k": Source(title="GSM8K", kind="math", hub_id="openai/gsm8k", hub_config="main", split="test"),
    "svamp": Source(title="SVAMP", kind="math", hub_id="ChilleD/SVAMP", split="test"),
}
