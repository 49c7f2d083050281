"""Logs of lm-eval and inspect as their authors' programs write them, made up."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zlib import crc32

STAMP = "2025-04-06T00-32-58.601604"
Row = dict[str, Any]


def lm_eval(
    folder: Path,
    rows: Iterable[Row],
    *,
    task: str = "quiz",
    backend: str = "vllm",
    model: Any = "org/m",
    **options: Any,
) -> Path:
    """Results and samples of one task; `model` may be the arguments of a model as an object."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = model if isinstance(model, dict) else f"pretrained={model},dtype=auto"
    config = {"model": backend, "model_args": arguments, "gen_kwargs": options}
    results = {"config": config, "configs": {task: {}}}
    (folder / f"results_{STAMP}.json").write_text(json.dumps(results))
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / f"samples_{task}_{STAMP}.jsonl").write_text(text)
    return folder


def line(number: int, text: str | None = "Final Answer: 7", target: Any = "7", **more: Any) -> Row:
    """One line of samples."""
    return {"doc_id": number, "doc": {}, "target": target, "resps": [[text]], **more}


def judged(number: int, text: str | None = "Final Answer: 7", *, of: str = "none", **metrics: Any) -> Row:
    """One line of samples with the verdicts of one filter."""
    return line(number, text, **{"filter": of, "metrics": list(metrics), **metrics})


def options(number: int, target: str, text: str, **more: Any) -> Row:
    """A line as the task Global-MMLU of the original's harness writes it."""
    doc = {
        "sample_id": f"sums/test/{number}",
        "subject": "sums",
        "question": f"What is {number} + 1?",
        "answer": target,
    }
    doc |= {f"option_{letter}": f"{number + place}" for place, letter in enumerate("abcd")}
    asked = "\n".join(
        [doc["question"], *(f"{letter}. {number + place}" for place, letter in enumerate("ABCD")), "Answer:"]
    )
    prompt = f"<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n"
    arguments = {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["</s>"], "max_tokens_thinking": 500}}}
    return line(number, text, target, doc=doc, arguments=arguments, **more)


def likelihoods(number: int, target: Any, *logs: float, **more: Any) -> Row:
    """A line of a task that compares the likelihoods of options, whose numbers lm-eval writes as texts."""
    requests = {
        f"gen_args_{at}": {"arg_0": "Question?\nAnswer:", "arg_1": f" {letter}"} for at, letter in enumerate("ABCD")
    }
    resps = [[[str(log), "False"]] for log in logs]
    doc = {"question": "Which?", "choices": ["one", "two", "three", "four"]}
    return {"doc_id": number, "doc": doc, "target": target, "arguments": requests, "resps": resps, **more}


def inspect_head(model: str = "openai/o1", *, samples: int | None = None, **more: Any) -> Row:
    """What an inspect log says of itself."""
    spec: Row = {"task": "quiz", "model": model, "dataset": {"samples": samples}, **more}
    return {"version": 2, "status": "success", "eval": spec}


def inspect_sample(number: int, content: Any = "ANSWER: 7", scores: Any = None, *, tokens: int | None = None) -> Row:
    """One sample of an inspect log; `scores` by scorer."""
    output: Row = {"model": "m", "choices": [{"message": {"role": "assistant", "content": content}}]}
    output["usage"] = {"reasoning_tokens": tokens}
    return {
        "id": number,
        "epoch": 1,
        "input": "What is 3 + 4?",
        "target": "7",
        "output": output,
        "scores": {name: {"value": value} for name, value in (scores or {}).items()},
    }


def with_receipt(sample: Row, **told: Any) -> Row:
    """The same sample, answered by this project's own server."""
    receipt = {"max_thinking_tokens": 64, "waits": 1, "accounting": "total", "thinking_tokens": 38, "waits_used": 1}
    receipt |= {"closed_by": "model", "answer_tokens": 16, "seed": 0, "temperature": 0.0, **told}
    sample["output"]["response_id"] = "chatcmpl-1"
    response = {"id": "chatcmpl-1", "choices": [], "answer": "7", "receipt": receipt}
    sample["events"] = [{"event": "span_begin"}, {"event": "model", "call": {"request": {}, "response": response}}]
    return sample


def inspect_json(path: Path, samples: Iterable[Row], head: Row | None = None) -> Path:
    """A log as inspect writes it with `--log-format json`."""
    path.write_text(json.dumps({**(head or inspect_head()), "samples": list(samples)}))
    return path


def inspect_zstd(path: Path, samples: Iterable[Row], head: Row | None = None) -> Path:
    """A log as inspect writes it today: a zip whose members are packed with Zstandard."""
    members = {"header.json": head or inspect_head()}
    members |= {f"samples/{sample['id']}_epoch_{sample['epoch']}.json": sample for sample in samples}
    path.write_bytes(zstd_zip({name: json.dumps(content).encode() for name, content in members.items()}))
    return path


def zstd_zip(members: dict[str, bytes], *, claims: int | None = None) -> bytes:
    """A zip of method 93; `claims` is the size that it says its members unpack to."""
    import zstandard

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as log:
        for name, content in members.items():
            log.writestr(name, zstandard.ZstdCompressor().compress(content))
        # Python packs so from 3.14 on: the directory, which is written at the end, is told what the members hold.
        for entry, content in zip(log.filelist, members.values(), strict=True):
            entry.compress_type, entry.CRC = 93, crc32(content)
            entry.file_size = len(content) if claims is None else claims
    return out.getvalue()
