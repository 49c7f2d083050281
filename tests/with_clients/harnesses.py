"""lm_eval and inspect_ai on s1-nano's own questions, run as their users run them; each leaves its logs in a folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from s1core.models import NANO_WEIGHTS
from s1core.nano.make import make_questions

HERE = Path(__file__).parent
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OPENAI_API_KEY": "none", "DO_NOT_TRACK": "1"}
QUESTIONS = 12


def lm_eval(url: str, folder: Path, *, chat: bool = True, concurrent: int = 16, **more: str) -> list[dict[str, object]]:
    """Run lm_eval's task `nano`.

    Args:
        url: of the server.
        folder: for its logs.
        chat: by chat completions; otherwise by completions, with prompts of token ids.
        concurrent: requests at once.
        **more: its further options, such as `gen_kwargs`.

    Returns:
        The samples that it logged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    task = _task(folder / "task")
    kind, path = ("local-chat-completions", "chat/completions") if chat else ("local-completions", "completions")
    model = {"model": "s1-nano", "base_url": f"{url}/v1/{path}", "num_concurrent": concurrent}
    if not chat:
        tokenizer = shutil.copytree(NANO_WEIGHTS, folder / "s1-nano", ignore=shutil.ignore_patterns("*.safetensors"))
        model |= {"tokenizer": tokenizer.name, "tokenizer_backend": "huggingface"}
    words = ["run", "--model", kind, "--model_args", ",".join(f"{name}={value}" for name, value in model.items())]
    # Relative paths alone: they are logged, and the folders of a machine are nobody's business.
    words += ["--tasks", "nano", "--include_path", task.name, "--output_path", "logs", "--log_samples"]
    words += ["--apply_chat_template"] if chat else []
    words += [word for name, value in more.items() for word in (f"--{name}", value)]
    _run("lm_eval", words, folder)
    shutil.rmtree(task)
    (samples,) = folder.rglob("samples_nano_*.jsonl")
    return [json.loads(line) for line in samples.read_text("utf-8").splitlines()]


def inspect(url: str, folder: Path, *words: str) -> Path:
    """Run inspect_ai's task `nano`; returns its log.

    Args:
        url: of the server.
        folder: for its log.
        *words: its further options.
    """
    folder.mkdir(parents=True, exist_ok=True)
    questions = _questions(folder / "questions.jsonl")
    model = ["--model", "openai-api/local/s1-nano", "--model-base-url", f"{url}/v1", "-M", "api_key=none"]
    task = shutil.copy(HERE / "inspect_nano.py", folder / "inspect_nano.py")
    _run("inspect_ai", ["eval", Path(task).name, *model, "--log-dir", ".", "--display", "plain", *words], folder)
    for used in (questions, Path(task)):
        used.unlink()
    (log,) = folder.glob("*.eval")
    return log


def _task(folder: Path) -> Path:
    folder.mkdir()
    _questions(folder / "questions.jsonl")
    files = {"dataset_kwargs": {"data_files": {"test": f"{folder.name}/questions.jsonl"}}}
    task = (HERE / "lm_eval_nano.yaml").read_text("utf-8")
    (folder / "nano.yaml").write_text(task + json.dumps(files)[1:-1] + "\n", "utf-8")
    return folder


def _questions(path: Path) -> Path:
    rows = [{"id": q.id, "question": q.question, "answer": q.answer} for q in make_questions(QUESTIONS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def _run(module: str, words: list[str], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        env={**os.environ, **OFFLINE, "HF_HOME": str(folder / "hub"), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    shutil.rmtree(folder / "hub", ignore_errors=True)
    if done.returncode:
        raise RuntimeError(f"{module} failed: {(done.stdout + done.stderr)[-3000:]}")
