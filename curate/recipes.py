"""Named sets of arguments for `curate.run`. Lists, such as the sources, give way to the user's own."""

from __future__ import annotations

from curate.sources import PUBLISHED
from s1core.nano import WEAK

LISTS = ("source", "eval", "weak")
"""Options that are replaced as a whole."""

RECIPES: dict[str, tuple[tuple[str, str], ...]] = {
    # s1-nano's own thousand: everything on this machine, nothing spent.
    "nano": (
        ("source", "nano:22000"),
        ("eval", "nano"),
        ("teacher", "nano"),
        *(("weak", str(folder)) for folder in WEAK),
        # Room for a look and a short check; a chain that they lose themselves in is cut.
        ("weak-max-tokens", "64"),
        ("concurrency", "256"),
    ),
    # s1-135M's own: English problems and GSM8K, asked of its base and of what that was made from.
    "s1-135m": (
        ("source", "problems:22000"),
        ("source", "gsm8k"),
        ("eval", "problems"),
        ("teacher", "problems"),
        ("length-tokenizer", "SmolLM2-135M-Instruct"),
        ("max-thinking-tokens", "400"),
        # A direct answer: the budget is spent before any thinking.
        ("weak", "SmolLM2-135M-Instruct"),
        ("weak", "s1-135M-base"),
        ("weak-max-tokens", "0"),
        ("weak-answer-tokens", "12"),
        ("difficulty-sample", "4000"),
        # A preference for long traces would leave out all questions that a glance suffices for.
        ("length-ratio", "1"),
        ("concurrency", "64"),
    ),
    # The paper's sixteen sources with a teacher and weaker models of one's own choice; Claude judges and classifies.
    "s1k": (
        *(("source", name) for name in PUBLISHED),
        ("teacher", "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
        ("weak", "Qwen/Qwen2.5-7B-Instruct"),
        ("weak", "Qwen/Qwen2.5-32B-Instruct"),
        ("weak-style", "answer"),
        ("length-tokenizer", "Qwen/Qwen2.5-32B-Instruct"),
        ("judge", "claude"),
        ("domains", "claude"),
    ),
}


def recipe_words(name: str, given: set[str]) -> list[str]:
    """The arguments of a recipe, without the lists that the user gives (`given`, by option)."""
    kept = [(option, value) for option, value in RECIPES[name] if option not in given or option not in LISTS]
    return [word for option, value in kept for word in (f"--{option}", value)]
