"""Write s1-nano's model card from its measured table and its receipt.

Example:
  python -m train.nano.evaluate --model s1core/nano/weights -n 1200 --out s1core/nano/weights/table.json
  python -m train.nano.model_card --weights s1core/nano/weights --docs docs/nano.md
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s1core.metrics import wilson
from s1core.nano import families

_CARD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
---

# s1-nano

A language model of {millions} million parameters in the format of s1: it thinks first, and budget forcing works on it. It exists so that
the method can be run, tested and shown on any machine. **It knows the {count} families of questions below and nothing else**; a question
outside them is answered with nonsense.

{families}

Letters are lower case; numbers and lengths stay within the ranges seen in training (see `s1core/nano`). A neighbourhood that comes back
within one question (`111111`, the same swap twice in a row) can make it lose its place.

## How it thinks

```
<|im_start|>user
How many r in raspberry?<|im_end|>
<|im_start|>assistant
<|im_start|>think
Maybe 2.
Wait, r1 a1 s1 p1 b1 e1 r2 r3 y3. So 3.
<|im_start|>answer
Final Answer: 3<|im_end|>
```

First a quick look, which is a guess in one forward pass; then, for long questions by itself and for short ones when a Wait is forced, a
check that takes one step per item. "Wait" is the usual word; others (Hmm, Alternatively, ...) were seen in training too.

**Conditional prompts were not trained**: it has never seen a question that asks for a length ("Think for up to 64 tokens.", "Think for up to
4 steps.", "Answer after a short amount of thinking."), takes the request for a part of the question, and answers worse. How much worse is
measured beside the other methods in `docs/reproduce.md`.

## Measured

{table}

## Made from

`Qwen2ForCausalLM`, {layers} layers, width {width}, {heads} heads ({kv_heads} for keys and values), float32, tied embeddings. One token per byte
plus four special tokens; the embedding has 12 padding rows that stand for no token. Trained from scratch on {tokens} tokens of generated
text in {minutes} minutes on {hardware}; `receipt.json` has the configuration and versions, `docs/nano.md` the recipe and what failed.
No person's data and no other model's output is in it. Questions of the test split, `raspberry` among its words, were never trained on.
"""


def render_table(table: dict[str, Any]) -> str:
    """The measured table, as Markdown."""
    settings = list(table["accuracy"])
    names = {s: _setting_name(s) for s in settings}
    head = "| | n | " + " | ".join(names[s] for s in settings) + " |"
    rows = [head, "|---" * (len(settings) + 2) + "|"]
    for family, row in table["families"].items():
        rows.append(f"| {family} | {row['n']} | " + " | ".join(f"{row[s]:.0f}" for s in settings) + " |")
    rows.append(f"| **all** | {table['n']} | " + " | ".join(f"**{table['accuracy'][s]:.1f}**" for s in settings) + " |")
    shares = [wilson(round(table["n"] * table["accuracy"][s] / 100), table["n"]) for s in settings]
    rows.append("| 95 % interval | | " + " | ".join(f"{x.low:.1f} – {x.high:.1f}" for x in shares) + " |")
    rows.append("| thinking tokens | | " + " | ".join(f"{table['thinking_tokens'][s]:.0f}" for s in settings) + " |")
    first, second = table["one_wait"], table["second_wait"]
    notes = (
        f"Accuracy in percent, greedy, on {table['n']} questions of the test split (seed {table['seed']}). Budgets are thinking tokens, "
        f"without waits; waits have no budget. Of {table['n'] * len(settings)} answers, {table['unparsed']} had none that could be read.",
        f"The first forced Wait fixed {first['fixed']} of {first['wrong']} wrong answers and broke {first['broke']} of {first['right']} "
        f"right ones; the second fixed {second['fixed']} of {second['wrong']} and broke {second['broke']} of {second['right']}.",
    )
    return "\n".join(rows) + "\n\n" + "\n\n".join(notes)


def _setting_name(setting: str) -> str:
    if setting.startswith("b"):
        return f"budget {setting[1:]}"
    if setting == "natural":
        return "natural stop"
    return f"{setting[1:]} Wait" + ("s" if setting != "w1" else "")


def render_card(table: dict[str, Any], receipt: dict[str, Any], parameters: int) -> str:
    """The whole model card."""
    known = families()
    return _CARD.format(
        millions=f"{parameters / 1e6:.1f}",
        count=len(known),
        families="\n".join(f"- **{n}**: {f.description}. `{f.examples[0]}`" for n, f in known.items()),
        table=render_table(table),
        tokens=f"{receipt['tokens_seen']:,}",
        minutes=round(receipt["training_seconds"] / 60),
        hardware=receipt["hardware"],
        **{k: receipt["config"]["shape"][k] for k in ("layers", "width", "heads", "kv_heads")},
    )


def count_parameters(weights: Path) -> int:
    """Parameters of a safetensors file, from its header."""
    from safetensors import safe_open

    with safe_open(weights / "model.safetensors", framework="np") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    total = 0
    for shape in shapes:
        size = 1
        for side in shape:
            size *= side
        total += size
    return total


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m train.nano.model_card",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--weights", type=Path, default=Path("s1core/nano/weights"), help="folder (default %(default)s)"
    )
    parser.add_argument("--docs", type=Path, help="page whose block between <!-- table --> marks is replaced")
    args = parser.parse_args(argv)
    table = json.loads((args.weights / "table.json").read_text())
    receipt = json.loads((args.weights / "receipt.json").read_text())
    (args.weights / "README.md").write_text(render_card(table, receipt, count_parameters(args.weights)))
    if args.docs:
        block = f"<!-- table -->\n{render_table(table)}\n<!-- /table -->"
        page = args.docs.read_text()
        args.docs.write_text(re.sub(r"<!-- table -->.*<!-- /table -->", lambda _: block, page, flags=re.DOTALL))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
