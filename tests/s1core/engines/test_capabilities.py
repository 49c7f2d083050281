"""What an engine keeps is told before a run; what it cannot keep is refused with an engine that can."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from completions_server import CompletionsServer, hashed_script
from engine_helpers import ask, preset, run

from s1core.engines.base import Capabilities
from s1core.engines.capabilities import REMEDIES, capability_line, require
from s1core.engines.http.engine import BY_TEXT, HttpEngine
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import Unsupported


def engine_with(capabilities: Capabilities) -> ScriptedEngine:
    engine = ScriptedEngine(hashed_script)
    engine.capabilities = capabilities
    return engine


def test_the_line_groups_what_is_kept_by_how() -> None:
    assert capability_line(engine_with(BY_TEXT)) == (
        "Enforced: max, min, Waits. Emulated: Waits without a word, seeded noise, raised logits, prefix cache, "
        "token ids, steering. Unsupported: log probabilities."
    )


def test_groups_with_nothing_in_them_are_not_told() -> None:
    line = capability_line(engine_with(Capabilities(logprobs="enforced", logit_bias="enforced")))
    assert line.startswith("Enforced: max, min, Waits, ")
    assert "mulated" not in line and "nsupported" not in line


@pytest.mark.parametrize("feature", REMEDIES)
def test_what_is_unsupported_is_refused_with_an_engine_that_can(feature: str) -> None:
    fine = Capabilities(logprobs="emulated", logit_bias="emulated")
    require(engine_with(fine), feature)
    with pytest.raises(Unsupported, match="engine='transformers'"):
        require(engine_with(replace(fine, **{feature: "unsupported"})), feature)


def test_a_server_that_takes_text_refuses_to_tell_log_probabilities(qwen2_folder: Path) -> None:
    with CompletionsServer(ScriptedEngine(hashed_script), ids=False) as server:
        engine = HttpEngine.load(preset(qwen2_folder), url=server.url)
        with pytest.raises(Unsupported, match="vLLM"):
            run(engine, replace(ask([97], 5), logprobs=True))
        assert run(engine, ask([97], 5)).ids
