"""What is read, what is learned of it, and what becomes of rows that are too long."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from s1core.errors import InvalidSetting  # noqa: E402
from s1core.nano import WEIGHTS  # noqa: E402
from s1core.types import Message  # noqa: E402
from train.finetune.batches import collate, rows_of_step, total_steps, units_of, whole_weight  # noqa: E402
from train.finetune.config import TrainConfig  # noqa: E402
from train.finetune.data import IGNORED, Renderer, Row, load_data, read_rows, turns  # noqa: E402

QWEN = Path(__file__).parents[4] / "shared" / "data" / "qwen2_tokenizer"
CONFIG = TrainConfig(recipe="x", model="x", max_length=1_024, global_batch=4, micro_batch=2)


def qwen() -> Any:
    if not QWEN.is_dir():
        pytest.skip("the Qwen2.5 vocabulary is not beside the checkout")
    tokenizer = transformers.Qwen2Tokenizer(vocab=str(QWEN / "vocab.json"), merges=str(QWEN / "merges.txt"))
    added = json.loads((QWEN / "qwen2.5_added_tokens.json").read_text())["added_tokens"]
    tokenizer.add_tokens([transformers.AddedToken(t, special=True) for t in sorted(added, key=added.__getitem__)])
    tokenizer.chat_template = (QWEN / "qwen2.5_chat_template.jinja").read_text()
    assert tokenizer.convert_tokens_to_ids("<|im_start|>") == added["<|im_start|>"]
    return tokenizer


def nano() -> Any:
    return transformers.AutoTokenizer.from_pretrained(WEIGHTS)


def test_labels_equal_a_hand_made_mask_on_qwens_template() -> None:
    """Loss begins with `<|im_start|>think` and ends with the turn; system and user turns carry none."""
    tokenizer = qwen()
    turn = "<|im_start|>think\nr, a, s: one r.\n<|im_start|>answer\nAnswer: 3"
    row = Renderer(tokenizer, "s1").row([Message(role="user", content="How many r in raspberry")], turn)
    prompt = [
        *(151644, 8948, 198, 2610, 525, 1207, 16948, 11, 3465, 553, 54364, 14817, 13, 1446, 525, 264, 10950, 17847, 13),
        *(151645, 198, 151644, 872, 198, 4340, 1657, 435, 304, 93702, 151645, 198, 151644, 77091, 198),
    ]
    text = "<|im_start|>think\nr, a, s: one r.\n<|im_start|>answer\nAnswer: 3<|im_end|>\n"
    answered = tokenizer.encode(text, add_special_tokens=False)
    assert list(row.ids) == prompt + answered
    assert list(row.labels) == [IGNORED] * len(prompt) + answered
    assert (answered[0], answered[-2:]) == (151644, [151645, 198])


def test_text_that_looks_like_a_marker_stays_text() -> None:
    renderer = Renderer(nano(), "s1")
    row = renderer.row(
        [Message(role="user", content="a<|im_end|>b")], "<|im_start|>think\nx<|im_start|>y\n<|im_start|>answer\n1"
    )
    start = 257
    # Of the user's turn, the assistant's, think and answer: four; the others are letters.
    assert row.ids.count(start) == 4
    assert row.ids.count(258) == 2


@pytest.mark.parametrize(
    "raw",
    [
        {"user": "q", "assistant": "a"},
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
        {"text": "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"},
    ],
)
def test_three_kinds_of_rows_mean_the_same(raw: dict[str, Any]) -> None:
    assert turns(raw) == ([Message(role="user", content="q")], "a")


def test_markers_in_a_rendered_chat_do_not_make_turns() -> None:
    text = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\nt\n<|im_start|>answer\na<|im_end|>"
    assert turns({"text": text})[1] == "<|im_start|>think\nt\n<|im_start|>answer\na"


def test_curated_sets_parquet_and_json_lines_are_read(tmp_path: Path) -> None:
    import datasets

    made = [{"user": "q", "assistant": "a"}]
    datasets.Dataset.from_list(made).save_to_disk(str(tmp_path / "set" / "dataset"))
    datasets.Dataset.from_list(made).to_parquet(str(tmp_path / "rows.parquet"))
    (tmp_path / "rows.jsonl").write_text(json.dumps(made[0]) + "\n\n")
    for name in ("set", "set/dataset", "rows.parquet", "rows.jsonl"):
        assert list(read_rows(tmp_path / name)) == made


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "rows.jsonl",
            '{"question": "q"}\n',
            "row 1 of .* cannot be used: it has question; rows need user and assistant",
        ),
        ("rows.jsonl", "", "has no rows"),
        ("rows.jsonl", '{"user": "q", "assistant": "a"}\n{"user": ', "line 2, is not JSON"),
        ("rows.jsonl", '{"user": "q", "assistant": " "}\n', "last turn is not an assistant's with text"),
        ("rows.jsonl", '{"user": 3, "assistant": "a"}\n', "needs a role .* and a text"),
        ("rows.jsonl", "[1]\n", "not a JSON object"),
        ("rows.txt", "q", "neither JSON lines"),
        ("rows.parquet", "q", "no whole Parquet file"),
        (None, "", "no data at"),
    ],
)
def test_bad_data_is_told_in_one_sentence(tmp_path: Path, name: str | None, content: str, said: str) -> None:
    if name:
        (tmp_path / name).write_text(content)
    path = tmp_path / (name or "nothing.jsonl")
    with pytest.raises(InvalidSetting, match=said):
        load_data(replace(CONFIG, data=str(path)), nano())


def test_rows_that_are_too_long_are_refused_cut_or_dropped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"user": "q", "assistant": "a" * n}) + "\n" for n in (5, 500, 600)))
    config = replace(CONFIG, data=str(path), max_length=200)
    with pytest.raises(InvalidSetting, match=r"2 of 3 rows have more than max_length=200 tokens \(the longest 6"):
        load_data(config, nano())
    dropped = load_data(replace(config, too_long="drop"), nano())
    assert (len(dropped.rows), dropped.too_long) == (1, 2) and "2 were too long and left out" in dropped.summary()
    cut = load_data(replace(config, too_long="truncate"), nano())
    assert [len(row.ids) for row in cut.rows][1:] == [200, 200] and "answers are lost" in cut.summary()


def test_held_out_rows_are_not_trained_on(rows: Path) -> None:
    data = load_data(replace(CONFIG, data=str(rows), eval_rows=5), nano())
    assert (len(data.rows), len(data.held_out)) == (13, 5)
    assert not set(data.rows) & set(data.held_out)


@pytest.mark.parametrize("group_by_length", [False, True])
def test_every_row_trains_once_an_epoch_and_all_processes_run_alike(group_by_length: bool) -> None:
    rows = [Row(ids=(1,) * n, labels=(1,) * n) for n in range(3, 21)]
    config = replace(CONFIG, epochs=2, group_by_length=group_by_length)
    assert total_steps(config, len(rows)) == 10
    for world in (1, 2, 3, 8):
        seen: list[int] = []
        for step in range(5):
            chosen = rows_of_step(config, [len(row.ids) for row in rows], step)
            units = [units_of(config, rows, chosen, rank, world) for rank in range(world)]
            assert len({len(one) for one in units}) == 1
            seen += [i for one in units for unit in one for i in unit]
        assert sorted(seen) == list(range(18))


def test_rows_of_similar_length_can_share_a_batch() -> None:
    rng = random.Random(0)
    lengths = [rng.randint(3, 400) for _ in range(1_000)]
    config = replace(CONFIG, global_batch=8, group_by_length=True)
    batches = [rows_of_step(config, lengths, step) for step in range(125)]
    assert sorted(i for batch in batches for i in batch) == list(range(1_000))
    used = sum(lengths) / sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    means = [sum(lengths[i] for i in batch) / len(batch) for batch in batches]
    assert used > 0.95 and means != sorted(means), "hardly any padding, and long rows do not all come last"


def test_packing_keeps_rows_apart_and_fits_them_in() -> None:
    config = replace(CONFIG, packing=True, max_length=24)
    rows = [Row(ids=tuple(range(n)), labels=tuple(range(n))) for n in (10, 12, 6, 8)]
    units = units_of(config, rows, range(4), 0, 1)
    assert sorted(i for unit in units for i in unit) == [0, 1, 2, 3] and len(units) == 2
    batch = collate(config, rows, units[0], pad=0)
    first, second = units[0][:2]
    cut = len(rows[first].ids)
    assert batch.positions[0, :cut].tolist() == list(range(cut))
    assert batch.positions[0, cut : cut + len(rows[second].ids)].tolist() == list(range(len(rows[second].ids)))
    assert batch.targets[0, cut - 1] == IGNORED  # the last token of a row does not predict the next row


def test_a_weight_of_each_row_or_of_each_token() -> None:
    rows = [Row(ids=(1,) * 9, labels=(IGNORED, *(1,) * 8)), Row(ids=(1,) * 3, labels=(IGNORED, 1, 1))]
    by_row = replace(CONFIG, loss_weighting="row")
    assert whole_weight(CONFIG, rows, [0, 1]) == 10
    assert whole_weight(by_row, rows, [0, 1]) == 2
    batch = collate(by_row, rows, (0, 1), pad=0)
    learned = batch.targets != IGNORED
    assert (batch.weights * learned).sum(1).tolist() == pytest.approx([1.0, 1.0])
