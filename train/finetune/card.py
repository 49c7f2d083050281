"""A model card from files: a receipt of this project's training, and tables that `evals.report` wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from train.finetune.recipes import RECIPES, recipe

Facts = Mapping[str, Any]
_PLACES = ("recipe", "model", "data", "chat_template")
_UNMEASURED = "Not measured: there was no table when this card was written."


def front_matter(fields: Mapping[str, str | Sequence[str]]) -> str:
    """The hub's fields above a card."""
    lines = ["---"]
    for name, value in fields.items():
        lines += [f"{name}: {value}"] if isinstance(value, str) else [f"{name}:", *(f"- {each}" for each in value)]
    return "\n".join([*lines, "---"])


def plain_card(name: str, receipt: Facts, table: Facts | None, fields: Mapping[str, str | Sequence[str]]) -> str:
    """The card of any model that `train.sft` made."""
    parts = (
        front_matter(fields),
        f"# {name}\n\nIt thinks before it answers, in the format of *s1: Simple test-time scaling* (arXiv 2501.19393), "
        "so that budget forcing works on it. The licence of what it was made from holds for it too.",
        "## Measured\n\n" + render_tables(table),
        "## How it was made\n\n" + made_by(receipt),
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def command(receipt: Facts) -> str:
    """The command that makes the same run again; of settings it names those that differ from the recipe's."""
    config = receipt.get("config") or {}
    name = str(config.get("recipe", ""))
    if name not in RECIPES:
        return str(receipt.get("made_by", "not known"))
    standard = recipe(name).as_dict()
    changed = [f"--set {k}={v}" for k, v in config.items() if k not in _PLACES and k in standard and v != standard[k]]
    parent = [] if config["model"] == standard["model"] or _made_here(standard) else [f"--model {config['model']}"]
    data = [f"--data {config['data']}"] if config.get("data") != standard["data"] else []
    return " ".join(["python -m train.sft", f"--recipe {name}", *parent, *data, *changed])


def _made_here(standard: Facts) -> bool:
    """Whether the recipe itself names a folder of the project, which lies elsewhere on every machine."""
    return str(standard["model"]).startswith("/")


def made_by(receipt: Facts) -> str:
    """Command, data, length, losses and versions, as a list."""
    data, losses = receipt.get("data") or {}, (receipt.get("first_loss"), receipt.get("last_loss"))
    seconds, versions = receipt.get("training_seconds"), receipt.get("versions") or {}
    lines = [f"`{command(receipt)}`"]
    if data:
        lines.append(f"{data['rows']:,} rows, {data['tokens']:,} tokens an epoch, {data['learned_tokens']:,} with loss")
    seen = f", {receipt['tokens_seen']:,} tokens seen" if receipt.get("tokens_seen") else ""
    lines.append(f"{receipt.get('steps', 0):,} steps{seen}")
    if seconds:
        lines.append(f"{seconds / 60:,.0f} minutes on {receipt.get('hardware', 'an unnamed machine')}")
    if None not in losses:
        lines.append(f"loss {losses[0]:.3f} at the first step, {losses[1]:.3f} at the last")
    if receipt.get("trained_parameters"):
        lines.append(f"{receipt['trained_parameters'] / 1e6:,.1f} million parameters trained")
    lines.append(", ".join(f"{name} {version}" for name, version in versions.items()))
    lines.append(f"code {receipt.get('commit') or 'not from a checkout'}, {receipt.get('machine', '')}".rstrip(", "))
    return "\n".join(f"- {line}" for line in lines if line)


def render_tables(table: Facts | None) -> str:
    """What `evals.report` measured of some runs: accuracy by setting, what a Wait changed, accuracy by group."""
    runs = (table or {}).get("runs") or []
    return "\n\n".join(_run(run) for run in runs) or _UNMEASURED


def _run(run: Facts) -> str:
    made = f"commit {run['commit'] or 'not known'}, {run['machine']}"
    said = (
        f"**{run['benchmark']}**: {run['model']}, n = {run['questions']:,} questions, {run['sampling']}; {made}. "
        "Accuracy % [95 % Wilson interval]."
    )
    settings = [
        (s["setting"], f"{s['accuracy']:.1f} [{s['low']:.1f}, {s['high']:.1f}]", f"{s['thinking_tokens']:.1f}")
        for s in run["settings"]
    ]
    changes = [
        (f"{c['setting']} against {c['baseline']}", f"{c['fixed']} of {c['wrong']}", f"{c['broken']} of {c['right']}",
         f"{c['p_value']:.2g}")
        for c in run["changes"]
    ]  # fmt: skip
    names = [s["setting"] for s in run["settings"]]
    groups = [
        (
            g["group"],
            f"{g['n']:,}",
            *("–" if g["accuracy"].get(s) is None else f"{g['accuracy'][s]:.0f}" for s in names),
        )
        for g in run["groups"]
    ]
    parts = [said, _table(("setting", "accuracy %", "thinking tokens"), settings)]
    parts += [_table(("Waits", "fixed", "broken", "p (McNemar)"), changes)] if changes else []
    parts += [_table(("accuracy % by kind", "n", *names), groups)] if len(groups) > 1 else []
    return "\n\n".join(parts)


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
