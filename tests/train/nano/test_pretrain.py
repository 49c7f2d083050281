"""The training loop: it learns, resumes to the identical state, and exports what transformers loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from train.nano.evaluate import parse_answer  # noqa: E402
from train.nano.export import export  # noqa: E402
from train.nano.loop import PretrainConfig, Trainer, most_steps  # noqa: E402
from train.nano.model import NanoShape  # noqa: E402
from train.pretrain import main, run  # noqa: E402

TINY = NanoShape(layers=1, width=32, heads=2, kv_heads=1, ffn=32, max_positions=1_300)


def config(tokens: int) -> PretrainConfig:
    return PretrainConfig(tokens=tokens, tokens_per_batch=1_500, shape=TINY, warmup_steps=2, decay_share=1.0)


def same_state(a: Trainer, b: Trainer) -> bool:
    pairs = zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs) and a.progress.tokens == b.progress.tokens


def test_a_resumed_trainer_is_identical_to_one_that_never_stopped() -> None:
    straight, first, second = Trainer(config(10**6)), Trainer(config(10**6)), Trainer(config(10**6))
    for _ in range(6):
        straight.step()
    for _ in range(3):
        first.step()
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        second.step()
    assert same_state(straight, second)


def test_the_loss_falls(tmp_path: Path) -> None:
    run(config(40_000), tmp_path, log_every=5, check_every=1_000)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0] - 0.5


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    done = run(config(6_000), tmp_path)
    again = run(config(6_000), tmp_path)
    assert done.progress.step == again.progress.step > 0


def test_the_schedule_warms_up_holds_and_decays_to_zero() -> None:
    c = PretrainConfig(tokens=1_000, warmup_steps=10, decay_share=0.5)
    assert c.rate(0, 0) == pytest.approx(0.1)
    assert c.rate(100, 400) == 1.0
    assert c.rate(100, 750) == pytest.approx(0.5)
    assert c.rate(100, 1_000) == 0.0


def test_chains_grow_and_families_that_fail_are_drawn_more_often() -> None:
    c = PretrainConfig(short_tokens=100)
    limits = [most_steps(c, tokens) for tokens in (0, 50, 100)]
    assert limits[0] is not None and limits[1] is not None and limits[0] < limits[1] and limits[2] is None
    trainer = Trainer(config(1_000))
    exact = trainer.exact(per_family=2)
    exact["hops"]["check"], exact["cups"]["check"] = 1.0, 0.0
    trainer.reweight(exact)
    weights = dict(zip(exact, trainer.progress.next_weights, strict=True))
    assert weights["cups"] > weights["hops"] > 0


def test_settings_out_of_range_name_the_field() -> None:
    with pytest.raises(ValueError, match="decay_share"):
        PretrainConfig(decay_share=0.0)
    with pytest.raises(ValueError, match="tokens_per_batch"):
        PretrainConfig(tokens_per_batch=10)
    with pytest.raises(ValueError, match="divide"):
        NanoShape(width=190)


def test_an_export_computes_what_the_trainer_computes(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    trained = run(config(6_000), tmp_path / "run", log_every=1)
    export(tmp_path / "run", tmp_path / "weights")
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "weights")
    assert type(loaded).__name__ == "Qwen2ForCausalLM"
    ids = torch.randint(0, 260, (2, 40))
    with torch.no_grad():
        assert torch.allclose(loaded(ids).logits, trained.model(ids), atol=1e-3)
    receipt = json.loads((tmp_path / "weights" / "receipt.json").read_text())
    assert receipt["tokens_seen"] == trained.progress.tokens


def test_answers_are_read_from_both_closings() -> None:
    assert parse_answer("\nFinal Answer: 12") == "12"
    assert parse_answer(" 12") == "12"
    assert parse_answer("\nFinal Answer:") is None


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "--tokens 200000" in capsys.readouterr().out
