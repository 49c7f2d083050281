"""Write a trained s1-nano as a folder that `transformers.from_pretrained` loads.

Example:
  python -m train.nano.export --run runs/nano --to s1core/nano/weights
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from train.nano.model import VOCAB_ROWS, NanoShape
from train.nano.text import SPECIAL

CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
"""Qwen2.5's structure without its default system turn; a system message is rendered when there is one."""


def _byte_letters() -> dict[int, str]:
    """The letter that stands for each byte in a byte-level vocabulary (GPT-2's table, as in Qwen2's tokenizer)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    others = (byte for byte in range(256) if byte not in letters)
    return letters | {byte: chr(256 + i) for i, byte in enumerate(others)}


def build_tokenizer() -> Tokenizer:
    """Byte-level BPE without merges: the id of a byte is its value.

    Text is composed (NFC) first, as by Qwen2's tokenizer; beyond that nothing is lost, whatever the text.
    """
    vocab = {letter: byte for byte, letter in _byte_letters().items()}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], fuse_unk=False))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    return tokenizer


def _model_config(shape: NanoShape, dtype: torch.dtype) -> dict[str, Any]:
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "vocab_size": VOCAB_ROWS,
        "hidden_size": shape.width,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "max_position_embeddings": shape.max_positions,
        "rope_theta": shape.rope_theta,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "use_sliding_window": False,
        "bos_token_id": None,
        "eos_token_id": SPECIAL["<|im_end|>"],
        "pad_token_id": SPECIAL["<|fim_pad|>"],
        "torch_dtype": str(dtype).removeprefix("torch."),
        "use_cache": True,
    }


def _tokenizer_config(shape: NanoShape) -> dict[str, Any]:
    return {
        "tokenizer_class": "Qwen2Tokenizer",
        "eos_token": "<|im_end|>",
        "pad_token": "<|fim_pad|>",
        "bos_token": None,
        "unk_token": None,
        "additional_special_tokens": ["<|endoftext|>", "<|im_start|>"],
        "model_max_length": shape.max_positions,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }


def write_folder(weights: dict[str, torch.Tensor], receipt: dict[str, Any], shape: NanoShape, folder: Path) -> None:
    """Write every file of the model but the model card."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: w.contiguous() for n, w in weights.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    build_tokenizer().save(str(folder / "tokenizer.json"))
    generation = {
        "do_sample": False,
        "eos_token_id": [SPECIAL["<|im_end|>"]],
        "pad_token_id": SPECIAL["<|fim_pad|>"],
        "max_new_tokens": 512,
    }
    documents = {
        "config.json": _model_config(shape, next(iter(weights.values())).dtype),
        "tokenizer_config.json": _tokenizer_config(shape),
        "generation_config.json": generation,
        "receipt.json": receipt,
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=2) + "\n")


def swap_in(new: Path, target: Path) -> None:
    """Replace `target` by `new`; readers see the old folder or the new one, never half of one."""
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    for kept in ("README.md", "table.json"):
        if (target / kept).exists() and not (new / kept).exists():
            shutil.copy2(target / kept, new / kept)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def read_receipt(run: Path, progress: dict[str, Any]) -> dict[str, Any]:
    """What made these weights: the configuration, how far it got, the last losses and family checks, the versions."""
    events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [event["loss"] for event in events if "loss" in event]
    exact = [event["exact"] for event in events if "exact" in event]
    return {
        "config": json.loads((run / "config.json").read_text()),
        "tokens_seen": progress["tokens"],
        "steps": progress["step"],
        "training_seconds": round(progress["seconds"]),
        "loss": round(sum(losses[-10:]) / max(1, len(losses[-10:])), 4),
        "teacher_forced_exact": exact[-1] if exact else {},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "hardware": f"CPU, {torch.get_num_threads()} threads",
    }


def export(run: Path, target: Path, *, half: bool = False) -> None:
    """Export the checkpoint of a run to `target`; `half` takes half the space, at half precision."""
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    new = target.with_name(target.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    receipt = read_receipt(run, state["progress"])
    weights = {name: weight.half() if half else weight for name, weight in state["model"].items()}
    write_folder(weights, receipt, NanoShape(**receipt["config"]["shape"]), new)
    swap_in(new, target)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m train.nano.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, default=Path("runs/nano"), help="folder of the run (default %(default)s)")
    parser.add_argument("--to", type=Path, default=Path("s1core/nano/weights"), help="target (default %(default)s)")
    parser.add_argument("--half", action="store_true", help="half precision: half the space")
    args = parser.parse_args(argv)
    export(args.run, args.to, half=args.half)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
