"""Put an adapter of s1-135M where it ships, with its model card: from a run's receipt and measured tables.

No figure is written here: those of the training are the receipt's, those of the set its manifest's, and those of the
model what `evals.report` wrote.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s1core.errors import InvalidSetting, S1Error
from s1core.problems import FAMILIES, draw_problems, teach, to_row
from s1core.store import write_atomically
from s1core.weights import SMOLLM2, SMOLLM2_HUB, SMOLLM2_PACKAGE
from train.finetune.card import Facts, front_matter, made_by, render_tables
from train.finetune.portable import portable

PROG = "python -m train.s1_135m.card"
EXAMPLES = """\
examples:
  python -m evals.report runs/problems-s1-135M-0123456789abcdef --out report --no-images
  python -m train.s1_135m.card --adapter s1core/s1_135m/s1 --run runs/sft/s1-135m --table report/table.json
  python -m train.s1_135m.card --adapter s1core/s1_135m/s1         the card anew, from the files beside the adapter
"""
DOCS = Path(__file__).parents[2] / "docs" / "s1-135m.md"
_WEIGHTS = ("adapter_model.safetensors", "adapter_config.json", "chat_template.jinja")

_CARD = """\
{front}

# {name}

{what}

{knows}

## Measured

The figures are of the base that the package `{package}` holds: its Q4_1 weights, dequantised to bfloat16. The
adapter loads on the weights of the hub too, `{hub}`, which are not quantised; how well it does there could not be
measured here.

{tables}

## How it was made

{made}

{use}

## Licence

The adapter is under Apache-2.0, and so is {base}, which it belongs to. {sources}
"""
_WHAT = {
    "s1-135M": f"""\
{SMOLLM2}, taught by s1 playground to think before it answers, in plain English and in the format of *s1: Simple
test-time scaling* (arXiv 2501.19393): budgets and Waits work on it. This is a LoRA adapter. It belongs on s1-135M-base,
which is itself an adapter on {SMOLLM2}.""",
    "s1-135M-base": f"""\
{SMOLLM2}, taught what a model of its size lacks: sums and differences of up to three digits, times tables, spelling,
counting on, problems of one step. It answers plainly and has never seen a thinking block. This is a LoRA adapter; it is
what s1-135M is made from, and of little use by itself.""",
}
_SOURCES = {
    "problems": "The problems are this project's own, under Apache-2.0.",
    "gsm8k": "Some rows are worked solutions of GSM8K (openai/gsm8k, MIT), written in the same form.",
}


def render(receipt: Facts, table: Facts | None, curated: Facts | None) -> str:
    """The whole card.

    Args:
        receipt: of the run; its recipe says which of the two adapters it is.
        table: of `evals.report`; None where nothing was measured.
        curated: the manifest of the set that was trained on; None where there is none.

    Raises:
        InvalidSetting: the run is none of the two recipes.
    """
    name = _name(receipt)
    thinks = name == "s1-135M"
    learned = {source["name"] for source in (curated or {}).get("sources", ()) if source["selected"]}
    sources = [said for name, said in _SOURCES.items() if name == "problems" or name in learned]
    front = {
        "license": "apache-2.0",
        "base_model": SMOLLM2_HUB,
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "language": "en",
        "tags": ["s1", "reasoning", "budget-forcing"],
    }
    return _CARD.format(
        front=front_matter(front),
        name=name,
        what=_WHAT[name],
        knows=_families() if thinks else "",
        package=SMOLLM2_PACKAGE,
        hub=SMOLLM2_HUB,
        tables=render_tables(table),
        made=_made(receipt, curated),
        use=_use(name),
        base=SMOLLM2,
        sources=" ".join(sources) if thinks else "The exercises are this project's own.",
    ).replace("\n\n\n\n", "\n\n")


def _name(receipt: Facts) -> str:
    recipe = (receipt.get("config") or {}).get("recipe")
    names = {"s1-135m": "s1-135M", "s1-135m-base": "s1-135M-base"}
    if recipe not in names:
        raise InvalidSetting(f"the receipt is of the recipe {recipe!r}; this card is for {' and '.join(names)}")
    return names[recipe]


def _families() -> str:
    kinds = "\n".join(f"- **{name}**: {f.description}. *{next(iter(f.examples))}*" for name, f in FAMILIES.items())
    problem = draw_problems(1, family="shopping", split="train")[0]
    row = to_row(problem, teach(problem, random.Random(0)))
    return f"""\
**It was taught {len(FAMILIES)} kinds of questions, and nothing else**; what it writes about any other is not to be
relied on.

{kinds}

A row of the kind that it learned from:

```
{row["user"]}

{row["assistant"]}
```"""


def _made(receipt: Facts, curated: Facts | None) -> str:
    steps = [made_by(receipt)]
    if curated:
        config, funnel = curated["config"], curated["funnel"]
        kinds = ", ".join(f"{source['name']} {source['selected']:,}" for source in curated["sources"])
        weak = ", ".join(str(spec["model"]).partition(":")[0] for spec in config["weak"]) or "no model"
        steps.append(
            f"- the rows were curated by `python -m curate.run --recipe s1-135m`: {curated['rows']:,} of "
            f"{funnel[0]['rows_in']:,} ({kinds}), selection {config['mode']}, difficulty by {weak}"
        )
        steps += [f"- {c['stage']}: {c['rows_in']:,} to {c['rows_out']:,} rows" for c in funnel[1:]]
    return "\n".join(steps)


def _use(name: str) -> str:
    chain = ["s1-135M-base", "s1-135M"] if name == "s1-135M" else ["s1-135M-base"]
    merged = "\n".join(f'model = PeftModel.from_pretrained(model, "{one}").merge_and_unload()' for one in chain)
    return f"""\
## Use

```
python -m s1core "It is 9 o'clock. The ride takes 5 hours. What time is it then?" --model {name}
```

Without this project, each adapter is merged before the next one is put on, and the chat template is the one beside it:

```
model = AutoModelForCausalLM.from_pretrained("{SMOLLM2_HUB}", dtype=torch.float32)
{merged}
```"""


def ship(adapter: Path, run: Path | None, table: Path | None, curated: Path | None) -> str:
    """Fill the folder of an adapter: weights and receipt of a run, tables, card. What is not named stays as it is.

    Returns:
        The card.

    Raises:
        InvalidSetting: something that was named is not there, or the receipt is of another recipe.
    """
    receipt = portable(_read(run / "final" / "receipt.json")) if run else _read(adapter / "receipt.json")
    sets = curated or Path(str((receipt.get("config") or {}).get("data") or "none"))
    manifest = portable(_read(sets / "manifest.json")) if curated or (sets / "manifest.json").is_file() else None
    kept = {"receipt.json": receipt, "table.json": portable(_read(table)) if table else None, "curated.json": manifest}
    documents = {name: document or _if_there(adapter / name) for name, document in kept.items()}
    card = render(receipt, documents["table.json"], documents["curated.json"])
    if run:
        weights = run / "final" / "adapter"
        missing = [name for name in _WEIGHTS if not (weights / name).is_file()]
        if missing:
            raise InvalidSetting(f"{weights} lacks {', '.join(missing)}; a run that is done has them")
        adapter.mkdir(parents=True, exist_ok=True)
        for name in _WEIGHTS:
            shutil.copyfile(weights / name, adapter / name)
        settings = portable(_read(weights / "adapter_config.json"))
        _write(adapter / "adapter_config.json", settings)
    for name, document in documents.items():
        if document is not None:
            _write(adapter / name, document)
    write_atomically(adapter / "README.md", card)
    return card


def put_into(page: Path, card: str, name: str) -> None:
    """Put what a card says from `## Measured` to `## Use` between the marks of a page."""
    body = card.partition("## Measured\n")[2].partition("## Use\n")[0].strip().replace("\n## ", "\n### ")
    block = f"<!-- {name} -->\n{body}\n<!-- /{name} -->"
    text = page.read_text(encoding="utf-8")
    write_atomically(page, re.sub(f"<!-- {name} -->.*<!-- /{name} -->", lambda _: block, text, flags=re.DOTALL))


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"{path} cannot be read ({error}); name a run that is done, or make it anew") from None


def _if_there(path: Path) -> dict[str, Any] | None:
    return _read(path) if path.is_file() else None


def _write(path: Path, document: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = argparse.ArgumentParser(
        prog=PROG, description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--adapter", type=Path, required=True, metavar="DIR", help="where it ships")
    p.add_argument("--run", type=Path, metavar="DIR", help="the run of train.sft whose adapter and receipt are taken")
    p.add_argument("--table", type=Path, metavar="FILE", help="table.json of evals.report")
    p.add_argument("--curated", type=Path, metavar="DIR", help="the curated set (default: where the receipt says)")
    p.add_argument("--docs", type=Path, default=DOCS, metavar="FILE", help="page that shows the same (docs/s1-135m.md)")
    args = p.parse_args(argv)
    try:
        card = ship(args.adapter, args.run, args.table, args.curated)
        if args.docs.is_file():
            put_into(args.docs, card, _name(_read(args.adapter / "receipt.json")))
        size = sum(path.stat().st_size for path in args.adapter.iterdir() if path.is_file())
        print(f"{args.adapter}: card written, {size / 1e6:.1f} MB in all")
    except S1Error as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
