"""What an engine keeps of what is asked: in one line before a run, and as an error where it cannot."""

from __future__ import annotations

from s1core.budget import Budget
from s1core.engines.base import Engine, Support, notes_of
from s1core.errors import Unsupported
from s1core.types import Sampling

HOW: tuple[Support, ...] = ("enforced", "emulated", "unsupported")
FEATURES = {
    "max": "max_tokens",
    "min": None,
    "Waits": None,
    "Waits without a word": "forbid_first",
    "seeded noise": "seeded_noise",
    "log probabilities": "logprobs",
    "raised logits": "logit_bias",
    "prefix cache": "prefix_cache",
    "token ids": "token_ids",
    "steering": "steering",
}
"""Parts of a run by their field of `Capabilities`; a minimum and Waits are kept by text written above the engine."""
REMEDIES = {
    "forbid_first": "cannot ignore an end without a word; give a wait text such as Wait, or use engine='transformers'",
    "logit_bias": "cannot raise the logit of an end; let a hint bring the thinking to it, or use engine='transformers'",
    "logprobs": "tells no log probabilities; use engine='transformers', or a server that takes token ids such as vLLM",
}
"""What is said of a feature that is missing, with who has it."""


def kept(engine: Engine) -> dict[Support, list[str]]:
    """Group the parts of a run by what becomes of them; groups with nothing in them are left out."""
    groups: dict[Support, list[str]] = {how: [] for how in HOW}
    for name, field in FEATURES.items():
        groups["enforced" if field is None else getattr(engine.capabilities, field)].append(name)
    return {how: names for how, names in groups.items() if names}


def capability_line(engine: Engine) -> str:
    """Say before a run what the engine keeps, in sentences."""
    said = [f"{how.capitalize()}: {', '.join(names)}." for how, names in kept(engine).items()]
    has = engine.capabilities
    if has.seeded_noise == "enforced" and has.exact_sweeps != "enforced":
        said.append("Sweeps are exact in float32 alone; here rounding may change a token.")
    return " ".join(said)


def require(engine: Engine, feature: str) -> None:
    """Make sure that a feature (a key of `REMEDIES`) is kept in some way.

    Raises:
        Unsupported: it is not; the message names an engine that can.
    """
    if getattr(engine.capabilities, feature) == "unsupported":
        raise Unsupported(f"the {engine.name} engine {REMEDIES[feature]}")


def require_budget(engine: Engine, budget: Budget) -> None:
    """Make sure that everything a budget asks for is kept in some way.

    Raises:
        Unsupported: the message names an engine that can, or another way.
    """
    if (budget.waits > 0 or budget.min_thinking_tokens > 0) and not engine.codec.encode_user(budget.wait_text):
        require(engine, "forbid_first")
    if not budget.lands or budget.landing_bias == 0:
        return
    require(engine, "logit_bias")
    if all(engine.codec.single_id(end) is None for end in engine.format.ends):
        raise Unsupported(
            f"{engine.model} writes the end of its thinking in several tokens, so that none can be raised; "
            "let a hint bring the thinking to it"
        )


def not_kept(engine: Engine, sampling: Sampling, *, steered: bool = False) -> tuple[str, ...]:
    """Return what a receipt says of the settings that the engine does not enforce.

    Args:
        engine: which ran.
        sampling: how its tokens were drawn.
        steered: commands changed the text while the run went on.
    """
    has = engine.capabilities
    notes: list[str] = []
    if has.token_ids != "enforced":
        notes.append("token counts: estimated by local tokenizer")
    if has.seeded_noise != "enforced" and sampling.temperature > 0:
        notes.append("seeded noise: the same seed may give another text")
    if has.filters != "enforced" and sampling.filters and sampling.temperature > 0:
        kept = "passed on, not checked" if has.filters == "emulated" else "not kept"
        notes.append(f"top_p, top_k, min_p: {kept}")
    if has.steering != "enforced" and steered:
        notes.append("steering: the request was closed, and another one went on from there")
    return (*notes, *notes_of(engine))
