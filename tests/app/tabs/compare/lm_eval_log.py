"""Lines as lm-eval's samples files hold them, made up."""

from __future__ import annotations

import json
from typing import Any

QUESTIONS = ("What is 2 + 3?", "What is 7 * 6?")
ANSWERS = ("5", "42")


def line(number: int, budget: int | None, *, forced: bool = False, **more: Any) -> str:
    """One sample: a question, asked under a budget."""
    steps = " ".join(f"Step {n} of the sum." for n in range(40))
    close = "\n<|im_start|>answer\nFinal Answer:" if forced else "<|im_start|>answer\nFinal Answer:"
    options = {} if budget is None else {"max_tokens_thinking": budget}
    prompt = f"<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\n{QUESTIONS[number]}<|im_end|>\n"
    row: dict[str, Any] = {
        "doc_id": number,
        "doc": {"question": QUESTIONS[number]},
        "target": ANSWERS[number],
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": options}},
        "resps": [[f"<|im_start|>think\n{steps}{close} {ANSWERS[number]}"]],
    }
    return json.dumps(row | more)


def log(*budgets: int | None) -> list[str]:
    """Both questions under each of the budgets."""
    return [line(number, budget) for budget in budgets for number in (0, 1)]
