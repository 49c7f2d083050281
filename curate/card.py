"""The dataset's card: where its rows come from, what was left out and why, what it cost, under which licences."""

from __future__ import annotations

import json
from typing import Any


def card(name: str, manifest: dict[str, Any]) -> str:
    """Render the card of a finished curation from its manifest."""
    parts = (
        _head(manifest),
        f"# {name}\n\n{_summary(manifest)}",
        "## Funnel\n\n" + _funnel(manifest["funnel"]),
        "## Sources and licences\n\n" + _sources(manifest["sources"], manifest["skipped"]),
        "## Domains\n\n" + _domains(manifest["domains"]),
        "## Fields\n\n" + _FIELDS,
        "## How it was made\n\n" + _made(manifest),
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


_FIELDS = """\
`user` and `assistant` are the two turns to train on: the question, and thinking and answer between the markers
`<|im_start|>think` and `<|im_start|>answer`. The chat template around them is the trained model's own. `no_loss` has
pairs of characters of `assistant` that are read in training and carry no loss. Besides: `key`
(`sha256(question)[:16]`), `id`, `source`, `domain`, `question`, `solution`, `answer`, `thinking`, `attempt`,
`thinking_tokens`, `correct` (the teacher's attempt, as judged), `drawn` (the rule of the selection), `metadata`."""


def _head(manifest: dict[str, Any]) -> str:
    size = "n<1K" if manifest["rows"] < 1000 else "1K<n<10K" if manifest["rows"] < 10_000 else "10K<n<100K"
    return (
        "---\nlicense: other\nlicense_name: see-sources\nlanguage: en\ntask_categories:\n- text-generation\n"
        f"size_categories:\n- {size}\ntags:\n- reasoning\n- s1\n---"
    )


def _summary(manifest: dict[str, Any]) -> str:
    tokens, right = manifest["thinking_tokens"], manifest["teacher_right"]
    judged = ", ".join(f"{count:,} {verdict}" for verdict, count in right.items())
    return (
        f"{manifest['rows']:,} questions with reasoning traces of {tokens['mean']:,.0f} tokens on average "
        f"({tokens['min']:,} to {tokens['max']:,}). The teacher's answers: {judged}. "
        "Curated after *s1: Simple test-time scaling* (arXiv 2501.19393)."
    )


def _funnel(funnel: list[dict[str, Any]]) -> str:
    lines = ["| stage | in | out | rejected, by rule |", "|---|---|---|---|"]
    for count in funnel:
        rules = list(count["rejected"].items())
        named = ", ".join(f"{_cell(rule)} {n:,}" for rule, n in rules[:8])
        more = f", {len(rules) - 8} more rules" if len(rules) > 8 else ""
        lines.append(f"| {count['stage']} | {count['rows_in']:,} | {count['rows_out']:,} | {named}{more} |")
    return "\n".join(lines)


def _sources(sources: list[dict[str, Any]], skipped: dict[str, str]) -> str:
    lines = ["| source | collected | selected | licence |", "|---|---|---|---|"]
    for source in sources:
        title = f"{_cell(source['title'])} ({source['hub']})" if source["hub"] else _cell(source["title"])
        lines.append(f"| {title} | {source['collected']:,} | {source['selected']:,} | {_cell(source['licence'])} |")
    lines += [f"\nNot read: {_cell(name)} ({_cell(why)})." for name, why in skipped.items()]
    if any(source["private"] and source["selected"] for source in sources):
        why = "whose authors ask that they never be published in plain text"
        lines.append(f"\n**Not for publication: it holds GPQA questions, {why}.**")
    return "\n".join(lines)


def _domains(domains: dict[str, int]) -> str:
    if not domains:
        return "Not classified."
    shown = list(domains.items())[:80]
    return ", ".join(f"{_cell(domain)} {count:,}" for domain, count in shown) + "."


def _made(manifest: dict[str, Any]) -> str:
    config, cost = manifest["config"], manifest["cost"]
    prompts = ", ".join(f"{name} `{digest}`" for name, digest in manifest["prompts"].items()) or "none"
    weak = ", ".join(_cell(str(spec["model"]).rpartition("/")[2]) for spec in config["weak"]) or "none"
    lines = (
        f"teacher {_cell(json.dumps(config['teacher']))}",
        f"weaker models: {weak}",
        f"judge: {config['judge']}, domains: {config['domains']}"
        + (f", by {config['claude_model']}" if config["claude_model"] else ""),
        f"prompts (hashes): {prompts}",
        f"selection: {config['mode']}, target {config['target']:,}, seed {config['seed']}; drawn "
        + ", ".join(f"{rule} {count:,}" for rule, count in manifest["drawn"].items()),
        f"spent on Claude: ${cost['usd']:.4f}"
        + (f" in {sum(t['calls'] for t in cost['by_task'].values()):,} answers" if cost["by_task"] else ""),
        f"configuration `{manifest['config_hash']}`, code {manifest['commit'] or 'not from a checkout'}",
    )
    return "\n".join(f"- {line}" for line in lines)


def _cell(text: str) -> str:
    """Text from outside, as plain text in a table: no column, no markup, no line of its own."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "|<>`*_[]\\" else c for c in flat)[:200]
