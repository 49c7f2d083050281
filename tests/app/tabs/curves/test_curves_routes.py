"""The routes of the Curves tab: results, samples, comparisons, and files from visitors."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.artifacts.curves.store import MOST_VISITOR_RUNS, CurveStore, NoSuchRun
from app.shell.plotly import PLOTLY
from app.tabs.curves import upload as curves_upload
from app.tabs.curves.routes import router
from app.tabs.curves.upload import Limits, counter_for, safe_name
from evals.reports import cached
from tests.app.tabs.curves.curves_data import QUESTIONS, measured
from tests.evals.importers.logs import inspect_sample, inspect_zstd, options

FORK = Path(__file__).parents[5] / "shared" / "data" / "s1.1_budget_samples" / "fork"
STAMP = "2025-04-06T00-37-23.076883"
OWN_PAGE = {"x-requested-with": "s1-playground"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CurveStore:
    monkeypatch.setattr(cached, "MEASURED", measured(tmp_path))
    monkeypatch.delenv("SPACE_ID", raising=False)
    return CurveStore()


@pytest.fixture
def client(store: CurveStore) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router(store))
    with TestClient(app) as client:
        yield client


def get(client: TestClient, path: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/curves/{path}", params=query)
    assert answer.status_code == 200
    return answer.json()


def upload(client: TestClient, *files: tuple[str, bytes]) -> dict[str, Any]:
    parts = [("file", (name, content)) for name, content in files]
    return client.post("/curves/import", files=parts, headers=OWN_PAGE).json()


def sample(number: int, *, target: str = "A", model_says: str = "A", **more: Any) -> dict[str, Any]:
    text = f"<|im_start|>think\n{'word ' * 60}<|im_start|>answer\nFinal Answer: {model_says}"
    return {
        "doc_id": number,
        "doc": {},
        "target": target,
        "resps": [[text]],
        "exact_match": int(target == model_says),
        **more,
    }


def results(model: str = "simplescaling/s1.1-32B", budget: int = 1000) -> bytes:
    config = {
        "model": "vllm",
        "model_args": f"pretrained={model}",
        "gen_kwargs": f"max_tokens_thinking={budget},thinking_n_ignore=0",
    }
    return json.dumps({"config": config, "configs": {}, "n-samples": {}}).encode()


def lines(*samples: dict[str, Any]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in samples).encode()


SAMPLES, RESULTS = f"samples_quiz_{STAMP}.jsonl", f"results_{STAMP}.json"


def test_the_catalogue_holds_published_and_measured_series(client: TestClient) -> None:
    found = get(client, "catalogue")
    assert {one["origin"] for one in found["series"]} == {"published", "measured"}
    own = [one for one in found["series"] if one["run"] == "nano-sweep"]
    assert [one["method"] for one in own] == ["budget forcing", "budget forcing, 1 x Wait"]
    assert found["notes"] == []


def test_a_measured_file_that_changes_is_read_again_and_a_damaged_one_is_told(client: TestClient) -> None:
    path = cached.MEASURED / "nano-sweep.jsonl.gz"
    get(client, "catalogue")
    path.write_bytes(b"no gzip")
    (cached.MEASURED / "broken.jsonl").write_text('{"format": "s1-playground run 1"')
    found = get(client, "catalogue")
    assert all(one["origin"] == "published" for one in found["series"])
    assert [note.split(" are damaged")[0] for note in found["notes"]] == [
        "The measured results in broken.jsonl",
        "The measured results in nano-sweep.jsonl.gz",
    ]


def test_samples_and_their_traces_are_found(client: TestClient) -> None:
    found = get(client, "samples", run="nano-sweep", setting="1 x Wait", shown="fixed")
    assert found["counts"]["fixed"] == len(found["samples"]) == 2
    one = found["samples"][0]
    trace = get(client, "trace", run="nano-sweep", setting="1 x Wait", sample=one["id"], index=0)
    assert trace["question"] == one["title"] and "Wait" in trace["text"]


@pytest.mark.parametrize("run", ["nobody", "../nano-sweep", "", "nano-sweep.jsonl.gz"])
def test_a_forged_run_is_one_sentence(client: TestClient, run: str) -> None:
    assert "no longer here" in get(client, "samples", run=run, setting="natural")["error"]


def test_a_forged_setting_or_filter_reaches_nothing(client: TestClient) -> None:
    assert "no such setting" in get(client, "samples", run="nano-sweep", setting="x")["error"]
    for query in ({"shown": "secret"}, {"start": -1}, {"start": "x"}):
        asked = {"run": "nano-sweep", "setting": "natural", **query}
        assert client.get("/curves/samples", params=asked).status_code == 422


def test_two_points_are_compared_with_a_p_value(client: TestClient) -> None:
    asked = {"run": "nano-sweep", "setting": "natural", "other_run": "nano-sweep", "other_setting": "1 x Wait"}
    pairs = get(client, "compare", **asked)["pairs"]
    assert (pairs["n"], pairs["fixed"], pairs["broken"], pairs["p"]) == (QUESTIONS, 2, 1, 1.0)


def test_the_drawing_library_comes_from_here_packed_and_kept(client: TestClient) -> None:
    answer = client.get(f"/curves/{PLOTLY}")
    assert answer.headers["content-encoding"] == "gzip" and "immutable" in answer.headers["cache-control"]
    assert "plotly.js v" in answer.text[:200]
    plain = client.get(f"/curves/{PLOTLY}", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.text == answer.text


def test_dropped_files_become_a_series_with_samples(client: TestClient) -> None:
    good = [sample(n, model_says="A" if n else "B") for n in range(4)]
    found = upload(client, (RESULTS, results()), (SAMPLES, lines(*good)))
    (series,) = found["series"]
    assert (series["origin"], series["model"], series["benchmark"], series["own"]) == (
        "imported",
        "s1.1-32B",
        "quiz",
        True,
    )
    assert [(p["label"], p["accuracy"], p["n"]) for p in series["points"]] == [("budget 1000", 75.0, 4)]
    assert series["metrics"]["control"] == "–" and "estimated" in series["source"]
    assert any("estimated at 4.6 characters each" in note for note in found["notes"])
    listed = get(client, "samples", run=series["run"], setting="budget 1000")
    assert listed["counts"]["wrong"] == 1
    assert len(series["run"]) >= 24


def test_a_broken_line_is_named_and_the_rest_comes_in(client: TestClient) -> None:
    content = lines(sample(0), sample(1)) + b"{broken\n" + lines({**sample(3), "target": None}, sample(4))
    found = upload(client, (RESULTS, results()), (SAMPLES, content))
    assert found["series"][0]["points"][0]["n"] == 3
    notes = [note for note in found["notes"] if "line" in note]
    assert [note.partition(":")[0] for note in notes] == [f"{SAMPLES}, line 3", f"{SAMPLES}, line 4"]
    assert all(tempfile.gettempdir() not in note for note in found["notes"])


def test_half_written_empty_and_foreign_files_are_told_apart(client: TestClient) -> None:
    torn = lines(sample(0), sample(1))[:-20]
    found = upload(
        client,
        (SAMPLES, torn),
        ("empty.jsonl", b""),
        ("notes.txt", b"hello"),
        ("other.json", b'{"a": 1}'),
        ("half.json", b'{"eval": '),
    )
    assert found["series"][0]["points"][0]["n"] == 1
    said = " | ".join(found["notes"])
    for words in (
        f"{SAMPLES}, line 2: ends in the middle",
        "empty.jsonl is empty (zero bytes)",
        "notes.txt is neither .json nor .jsonl",
        "other.json is neither lm-eval's results nor an inspect log",
        "half.json: ends in the middle",
        "no usable results file beside it",
    ):
        assert words in said
    assert tempfile.gettempdir() not in said


def test_mixed_models_become_series_of_their_own(client: TestClient) -> None:
    other = STAMP.replace("2025", "2026")
    found = upload(
        client,
        (RESULTS, results()),
        (SAMPLES, lines(sample(0))),
        (RESULTS.replace(STAMP, other), results("Qwen/QwQ-32B")),
        (SAMPLES.replace(STAMP, other), lines(sample(0))),
    )
    assert sorted(series["model"] for series in found["series"]) == ["QwQ-32B", "s1.1-32B"]
    assert len({series["run"] for series in found["series"]}) == 2


def test_unknown_fields_are_named_and_ignored(client: TestClient) -> None:
    found = upload(client, (RESULTS, results()), (SAMPLES, lines(sample(0, colour="red"))))
    assert any("ignored: colour" in note for note in found["notes"]) and found["series"]


def test_an_inspect_log_comes_in(client: TestClient) -> None:
    log = {
        "eval": {"model": "openai/some-model", "task": "quiz", "dataset": {"samples": 1}},
        "plan": {"config": {"reasoning_tokens": 64}},
        "samples": [
            {
                "id": 1,
                "epoch": 1,
                "target": "A",
                "output": {
                    "choices": [{"message": {"content": "ANSWER: A"}}],
                    "usage": {"reasoning_tokens": 33},
                },
                "scores": {"choice": {"value": "C", "answer": "A"}},
            }
        ],
    }
    (series,) = upload(client, ("log.json", json.dumps(log).encode()))["series"]
    assert (series["points"][0]["tokens"], series["points"][0]["accuracy"]) == (33.0, 100.0)


def test_a_packed_inspect_log_comes_in(client: TestClient, tmp_path: Path) -> None:
    log = inspect_zstd(tmp_path / "log.eval", [inspect_sample(1, scores={"match": "C"}, tokens=33)]).read_bytes()
    found = upload(client, ("log.eval", log))
    (series,) = found["series"]
    assert (series["points"][0]["tokens"], series["points"][0]["accuracy"]) == (33.0, 100.0)
    assert "estimated" not in str(found)  # the log tells its tokens itself


def test_a_log_that_cannot_be_unpacked_says_how_to_convert_it(client: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as log:
        log.writestr("header.json", "{}")
    found = upload(client, ("log.eval", path.read_bytes()))
    assert not found["series"]
    assert any("inspect log convert LOG.eval --to json --output-dir FOLDER" in note for note in found["notes"])


def test_a_point_with_unknown_tokens_is_in_the_table_and_not_drawn(client: TestClient) -> None:
    config = {"model": "local-chat-completions", "model_args": "pretrained=org/m", "gen_kwargs": "thinking_budget=64"}
    content = json.dumps({"config": config}).encode()
    answered = [sample(n, resps=[["Final Answer: A"]]) for n in range(2)]
    found = upload(client, (RESULTS, content), (SAMPLES, lines(*answered)))
    (series,) = found["series"]
    assert [(p["label"], p["tokens"], p["accuracy"]) for p in series["points"]] == [("budget 64", None, 100.0)]
    assert series["traces"] == []
    assert (series["metrics"]["control"], series["metrics"]["scaling"]) == ("–", "–")
    assert any("the thinking tokens of 2 of 2 samples are unknown" in note for note in found["notes"])
    (first, _) = get(client, "samples", run=series["run"], setting="budget 64")["samples"]
    assert first["tokens"] is None
    trace = get(client, "trace", run=series["run"], setting="budget 64", sample=first["id"])
    assert ["Thinking", "not known"] in trace["facts"] and ["Closed by", "not known"] in trace["facts"]


def test_a_log_with_verdicts_that_disagree_asks_which_one(client: TestClient) -> None:
    rows = [sample(0, filter=of, metrics=["exact_match"], exact_match=right) for of, right in (("a", 0), ("b", 1))]
    found = upload(client, (RESULTS, results()), (SAMPLES, lines(*rows)))
    (question,) = found["questions"]
    assert question["verdicts"] == ["exact_match,a", "exact_match,b"] and question["regrade"]
    assert question["sentence"].startswith(SAMPLES) and tempfile.gettempdir() not in question["sentence"]
    parts = [("file", (RESULTS, results())), ("file", (SAMPLES, lines(*rows)))]
    for choice, accuracy in (({"verdict": "exact_match,b"}, 100.0), ({"regrade": True}, 100.0)):
        again = client.post("/curves/import", files=parts, headers=OWN_PAGE, params=choice).json()
        assert [series["points"][0]["accuracy"] for series in again["series"]] == [accuracy]
        assert again["questions"] == []


def test_multiple_choice_shows_its_question_and_target_and_is_graded_again(client: TestClient) -> None:
    text = "<|im_start|>think\nOne more.\n<|im_start|>answer\nFinal Answer: so the answer is B. 1"
    rows = [options(n, "B" if n else "C", text, exact_match=0.0) for n in range(4)]
    name = f"samples_global_mmlu_en_stem_{STAMP}.jsonl"
    found = upload(client, (RESULTS, results()), (name, lines(*rows)))
    (question,) = found["questions"]
    assert "every recorded verdict (exact_match) is wrong, although 3 of 4" in question["sentence"]
    parts = [("file", (RESULTS, results())), ("file", (name, lines(*rows)))]
    again = client.post("/curves/import", files=parts, headers=OWN_PAGE, params={"regrade": True}).json()
    (series,) = again["series"]
    assert series["points"][0]["accuracy"] == 75.0
    listed = get(client, "samples", run=series["run"], setting="budget 1000", shown="wrong")["samples"]
    assert [one["title"].splitlines()[0] for one in listed] == ["What is 0 + 1?"]
    trace = get(client, "trace", run=series["run"], setting="budget 1000", sample=listed[0]["id"])
    assert (trace["question"], trace["expected"]) == ("What is 0 + 1?\nA. 0\nB. 1\nC. 2\nD. 3\nAnswer:", "C")


def test_files_above_the_limit_are_refused_with_a_remedy(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves_upload, "HERE", Limits(file_mb=1, total_mb=3, files=2))
    big = b"x" * (2**20 + 1)
    found = upload(client, ("big.jsonl", big), (SAMPLES, lines(sample(0))))
    assert any("big.jsonl holds 1 MB, more than the 1 MB" in note for note in found["notes"]) and found["series"]
    assert "more than 3 MB" in upload(client, ("huge.jsonl", b"x" * 3 * 2**20))["error"]
    assert "at most 2 at a time" in upload(client, *[(f"{n}.jsonl", b"{}") for n in range(3)])["error"]


def test_a_length_that_is_not_told_is_counted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves_upload, "HERE", Limits(file_mb=1, total_mb=1))

    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
        for _ in range(64):
            yield b"x" * 2**16

    headers = {**OWN_PAGE, "content-type": "multipart/form-data; boundary=b"}
    answer = client.post("/curves/import", content=endless(), headers=headers)
    assert "more than 1 MB" in answer.json()["error"]


def test_a_space_takes_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/s1")
    assert curves_upload.limits() is curves_upload.IN_PUBLIC
    assert curves_upload.IN_PUBLIC.total_mb < curves_upload.HERE.total_mb


@pytest.mark.parametrize(
    ("headers", "content"),
    [({}, b""), ({"content-type": "multipart/form-data"}, b"x"), ({"content-type": "text/plain"}, b"x")],
)
def test_what_is_no_upload_is_one_sentence(client: TestClient, headers: dict[str, str], content: bytes) -> None:
    answer = client.post("/curves/import", content=content, headers={**OWN_PAGE, **headers})
    assert answer.status_code == 200 and answer.json()["error"]


def test_pages_of_other_hosts_cannot_send_files(client: TestClient) -> None:
    assert client.post("/curves/import", files=[("file", ("a.jsonl", b"{}"))]).status_code == 403


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.json", "passwd.json"),
        ("C:\\runs\\a.json", "a.json"),
        ("/abs/olute.jsonl", "olute.jsonl"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("a b;$(c).json", "a_b___c_.json"),
        ("x" * 500 + ".jsonl", "x" * 154 + ".jsonl"),
        (SAMPLES, SAMPLES),
    ],
)
def test_names_lose_everything_that_could_lead_elsewhere(name: str, kept: str) -> None:
    assert safe_name(name) == kept


def test_a_path_in_a_name_writes_nowhere_else(client: TestClient, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    upload(client, (f"{tmp_path}/evil.json", b"{}"), ("../../evil.json", b"{}"), ("evil.json", b"{}"))
    assert set(tmp_path.rglob("*")) == before
    assert not list(Path(tempfile.gettempdir()).glob("s1-upload-*"))


def test_a_models_name_is_not_a_place_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "tokenizer.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    for model in ("some", "./some", str(tmp_path / "some"), "someone/else"):
        count, by = counter_for(model)
        assert by == curves_upload.ESTIMATED and count("x" * 46) == 10


def test_the_tokenizer_of_a_known_model_is_used_where_it_is() -> None:
    count, by = counter_for("s1-nano")
    assert (by, count("abc")) == ("s1-nano", 3)


def test_visitors_runs_make_room_and_are_deleted(store: CurveStore) -> None:
    keys = []
    for _ in range(MOST_VISITOR_RUNS + 2):
        key, folder = store.new_folder()
        folder.mkdir()
        (folder / "manifest.json").write_text('{"config": {"benchmark": "nano"}}')
        keys.append((key, folder))
    assert [folder.exists() for _, folder in keys[:3]] == [False, False, True]
    with pytest.raises(NoSuchRun):
        store.find(keys[0][0])
    assert store.find(keys[2][0]).benchmark == "nano"
    store.drop(keys[2][0])
    assert not keys[2][1].exists()


@pytest.mark.skipif(not FORK.is_dir(), reason="the s1.1-32B samples are not beside the checkout")
def test_the_originals_own_runs_come_in_whole(client: TestClient) -> None:
    files = [(path.name, path.read_bytes()) for path in sorted(FORK.glob("s1.1*/*/*.json*"))]
    (series,) = upload(client, *files)["series"]
    assert [(p["label"], round(p["accuracy"], 1), p["n"]) for p in series["points"]] == [
        ("budget 500", 83.7, 184),
        ("budget 1000", 81.0, 184),
        ("budget 2000", 78.8, 184),
        ("budget 4000", 78.3, 184),
        ("budget 8000", 78.3, 184),
    ]
