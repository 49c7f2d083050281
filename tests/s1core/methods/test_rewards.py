"""Process reward models: small random ones, made here, against transformers itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from s1core.errors import InvalidSetting, ModelUnavailable, QuestionTooLong, UnknownModel
from s1core.methods import Scores, load_reward
from s1core.methods.reward_model import BAD, GOOD, SEPARATOR, TAG, TransformersReward
from s1core.methods.rewards import chosen, reward_model, score
from s1core.models import PRESETS
from s1core.types import Receipt, Trace

NANO = Path(PRESETS["s1-nano"].location)
library: Any = transformers
QUESTION = "How many r in raspberry? <|im_end|>"
SOLUTIONS = (["Maybe 2.", "r1 a s p b e r2 r3 y.", "3"], ["Maybe <|im_start|> 2."], [])


def made(folder: Path, kind: str, **settings: Any) -> str:
    """Save a random model with the tokenizer of s1-nano, whose tokens are bytes."""
    torch.manual_seed(3)
    config = library.Qwen2Config(
        vocab_size=260,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        **settings,
    )
    getattr(library, kind)(config).save_pretrained(folder)
    library.AutoTokenizer.from_pretrained(NANO).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made(tmp_path_factory.mktemp("prm"), "Qwen2ForTokenClassification", num_labels=2)


def test_steps_are_scored_at_their_separator(classifier: str) -> None:
    scored = load_reward(classifier).score(QUESTION, SOLUTIONS)
    model: Any = library.AutoModelForTokenClassification.from_pretrained(classifier).eval()
    for scores, steps in zip(scored, SOLUTIONS, strict=True):
        text = "".join(part + SEPARATOR for part in (QUESTION, *steps))
        ids = list(text.encode())  # what is in a user's text never becomes a token of its own
        assert scores.tokens == len(ids)
        with torch.inference_mode():
            good = model(torch.tensor([ids])).logits[0].softmax(-1)[:, 1]
        ends = [i + 1 for i in range(len(ids)) if bytes(ids[i : i + 2]) == SEPARATOR.encode()][1:]
        assert scores.steps == pytest.approx(good[ends].tolist(), abs=1e-5)
    assert load_reward(classifier) is load_reward(classifier), "it stays loaded"


def test_a_language_model_is_asked_for_its_verdicts(tmp_path: Path) -> None:
    name = made(tmp_path, "Qwen2ForCausalLM")
    (scores,) = TransformersReward.load(name, device="cpu", dtype="float32").score("q", [["one", "two"]])
    ids = list(f"q one{TAG}two{TAG}".encode())
    model: Any = library.AutoModelForCausalLM.from_pretrained(name).eval()
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0]
    verdicts = logits[:, [GOOD.encode()[0], BAD.encode()[0]]].softmax(-1)[:, 0]
    ends = [len(f"q one{TAG}".encode()) - 1, len(ids) - 1]
    assert scores.steps == pytest.approx(verdicts[ends].tolist(), abs=1e-5)


def test_one_label_is_a_logit(tmp_path: Path) -> None:
    name = made(tmp_path, "Qwen2ForTokenClassification", num_labels=1)
    (scores,) = load_reward(name).score("q", [["one"]])
    assert len(scores.steps) == 1 and 0 < scores.steps[0] < 1


def test_what_scores_no_steps_is_refused(tmp_path: Path, classifier: str) -> None:
    with pytest.raises(ModelUnavailable, match="ForSequenceClassification, which scores no steps"):
        load_reward(made(tmp_path / "whole", "Qwen2ForSequenceClassification"))
    with pytest.raises(UnknownModel):
        load_reward(str(tmp_path / "nowhere"))
    with pytest.raises(QuestionTooLong, match="reads 256"):
        load_reward(classifier).score("q", [["x" * 300]])


def test_a_base_without_a_trained_head_is_refused(tmp_path: Path) -> None:
    import json

    name = made(tmp_path, "Qwen2ForCausalLM")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"architectures": ["Qwen2ForTokenClassification"]}))
    with pytest.raises(ModelUnavailable, match="no trained reward model"):
        load_reward(name)


async def test_scores_are_counted_and_aggregated(classifier: str) -> None:
    model = reward_model(classifier)
    assert model is not None and reward_model("probability") is None
    rewards, spent = await score(model, QUESTION, SOLUTIONS, "min")
    scored = model.score(QUESTION, SOLUTIONS)
    assert rewards == pytest.approx([each.of("min") for each in scored])
    assert spent.reward_tokens == sum(each.tokens for each in scored) and spent.total_tokens == 0
    assert await score(model, QUESTION, [], "last") == ([], type(spent)())


def test_aggregates() -> None:
    scores = Scores(steps=(0.5, 0.25, 0.5), tokens=9)
    assert [scores.of(how) for how in ("last", "min", "prod")] == [0.5, 0.25, 0.0625]
    assert scores.of("mean") == pytest.approx(1.25 / 3)
    assert Scores(steps=(), tokens=0).of("prod") == 0.0


def trace(answer: str | None) -> Trace:
    receipt = {name: 0 for name in Receipt.__dataclass_fields__}
    return Trace(segments=(), answer=answer, receipt=Receipt(**receipt))  # pyright: ignore[reportArgumentType]


def test_the_best_solution_and_the_most_reward_may_differ() -> None:
    traces = [trace(answer) for answer in ("3", "2", "03", None)]
    rewards = [0.4, 0.6, 0.5, 0.9]
    best, voted = chosen(traces, rewards, "best"), chosen(traces, rewards, "vote")
    assert [(b.answer, b.first) for b in best] == [("2", 1), ("03", 2)]
    assert [(b.answer, b.votes, b.first) for b in voted] == [("03", 2, 2), ("2", 1, 1)]
    assert voted[0].weight == pytest.approx(0.9)
    assert chosen([trace(None)], [0.5], "best") == []


def test_settings_that_make_no_sense_are_refused() -> None:
    from s1core.methods import BestOfN

    for settings, said in (({"reward": " "}, "reward"), ({"score": "max"}, "score"), ({"choose": "all"}, "choose")):
        with pytest.raises(InvalidSetting, match=said):
            BestOfN(**settings)  # pyright: ignore[reportArgumentType]
