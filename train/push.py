"""Publish a fine-tuned model or adapter on the hub, with its card, table and receipt.

Nothing but this command and `curate.push` uploads anything. What it takes is a run of `train.sft`, its `final/`, the
`adapter/` in that, or a folder such as s1core/s1_135m/s1; files that belong to neither model nor card stay here.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from s1core.errors import InvalidSetting, S1Error
from s1core.hub import check_name, prepare, upload
from s1core.models import PRESETS
from train.finetune.card import plain_card
from train.finetune.portable import portable

PROG = "python -m train.push"
EXAMPLES = """\
examples:
  python -m train.push s1core/s1_135m/s1 --to me/s1-135M --dry-run       what would be uploaded
  python -m train.push runs/sft/mine --to me/mine --private              the merged model, only for you
  python -m train.push runs/sft/mine/final/adapter --to me/mine-lora     its adapter alone
"""
_ADAPTER = "adapter_model.safetensors"
_BELONGS = re.compile(
    r"(?:adapter/)?(?:[\w.-]+\.safetensors(?:\.index\.json)?|(?:adapter_|generation_|tokenizer_)?config\.json"
    r"|tokenizer\.json|special_tokens_map\.json|added_tokens\.json|vocab\.json|merges\.txt|chat_template\.jinja"
    r"|LICENSE(?:\.\w+)?|NOTICE)"
)
Files = dict[str, Path | bytes]


def gather(folder: Path, table: Path | None = None, name: str = "") -> Files:
    """Everything that is published of a folder, by its path in the repository.

    Args:
        folder: see the module.
        table: measured by `evals.report`; by default the folder's own `table.json`.
        name: what a card that is written here is headed with.

    Raises:
        InvalidSetting: there is no model, or nothing says how it was made.
    """
    model = folder / "final" if (folder / "final").is_dir() else folder
    files: Files = {
        path.relative_to(model).as_posix(): path
        for path in sorted(model.rglob("*"))
        if path.is_file() and _BELONGS.fullmatch(path.relative_to(model).as_posix())
    }
    if not any(path.endswith(".safetensors") for path in files):
        raise InvalidSetting(f"{folder} holds no weights; name a run that is done, its final/, or an adapter")
    receipt = next((p for p in (model / "receipt.json", model.parent / "receipt.json") if p.is_file()), None)
    if receipt is None:
        raise InvalidSetting(f"{model} has no receipt.json, which says how it was made; push what train.sft wrote")
    made = portable(_read(receipt))
    table = table or model / "table.json"
    measured = _read(table) if table.exists() or table != model / "table.json" else None
    files["receipt.json"] = _json(made)
    if measured is not None:
        files["table.json"] = _json(portable(measured))
    for path in [path for path in files if path.endswith("adapter_config.json")]:
        files[path] = _json(_with_base_of_hub(_read(model / path)))
    card = model / "README.md"
    fields = _fields(made, adapter=_ADAPTER in files)
    files["README.md"] = card if card.is_file() else plain_card(name, made, measured, fields).encode()
    return files


def _fields(receipt: Mapping[str, Any], *, adapter: bool) -> dict[str, str | Sequence[str]]:
    parent = _on_hub(str(receipt.get("parent") or ""))
    base = {"base_model": parent} if parent.count("/") == 1 else {}
    tags = ["s1", "reasoning", "budget-forcing"]
    return {
        **base,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": tags,
    }


def _with_base_of_hub(config: dict[str, Any]) -> dict[str, Any]:
    """An adapter's settings, which name its base as others find it."""
    base = str(config.get("base_model_name_or_path") or "")
    return {**config, "base_model_name_or_path": _on_hub(portable(base))}


def _on_hub(model: str) -> str:
    """The hub's name of a preset that lies there; any other name as it is."""
    preset = PRESETS.get(model)
    return preset.location if preset and preset.base is None and not Path(preset.location).is_absolute() else model


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"{path} cannot be read ({error}); write it anew") from None


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def described(files: Files, repository: str, *, private: bool) -> str:
    """What is uploaded, file by file, and who will see it."""
    sizes = {name: len(held) if isinstance(held, bytes) else held.stat().st_size for name, held in files.items()}
    seen = "only you and those whom you let see it" if private else "everybody"
    lines = [f"{repository}, for {seen}: {len(files)} files, {sum(sizes.values()) / 1e6:,.1f} MB"]
    return "\n".join([*lines, *(f"  {size / 1e6:12,.3f} MB  {name}" for name, size in sorted(sizes.items()))])


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = argparse.ArgumentParser(
        prog=PROG, description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("folder", type=Path, help="a run, its final/, or an adapter")
    p.add_argument("--to", required=True, metavar="OWNER/NAME", help="repository on the hub")
    p.add_argument("--table", type=Path, metavar="FILE", help="table.json of evals.report (default: the folder's own)")
    p.add_argument("--private", action="store_true", help="only for you")
    p.add_argument("--dry-run", action="store_true", help="say what would be uploaded; upload nothing")
    args = p.parse_args(argv)
    try:
        repository = check_name(args.to)
        files = gather(args.folder, args.table, repository.partition("/")[2])
        print(described(files, repository, private=args.private))
        if args.dry_run:
            print("nothing was uploaded")
            return 0
        prepare(repository, "model", private=args.private)
        upload(repository, files, "model", "Publish the model with its card, table and receipt")
        print(f"https://huggingface.co/{repository}")
    except S1Error as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
