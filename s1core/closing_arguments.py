"""Arguments of command lines that say how a thinking ends: closing words, landing, loops."""

from __future__ import annotations

import argparse

from s1core.formats import thinking_format
from s1core.models import resolve
from s1core.settings import DEFAULT_FINAL_ANSWER_TEXT, DEFAULT_LANDING_TEXT, Budget


def add_closing(p: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    ends = p.add_argument_group("how the thinking ends")
    ends.add_argument(
        "--final-answer",
        default=DEFAULT_FINAL_ANSWER_TEXT,
        metavar="TEXT",
        help="begins the answer after a forced close (default: %(default)s); empty: nothing does",
    )
    ends.add_argument("--advice", action="store_true", help="close as the makers of the model's family advise")
    ends.add_argument(
        "--landing-text",
        nargs="?",
        const=DEFAULT_LANDING_TEXT,
        default="",
        metavar="TEXT",
        help="write this hint when the budget is almost spent (alone: I should wrap up.)",
    )
    ends.add_argument(
        "--landing-bias", type=float, default=0.0, metavar="X", help="raise the logit of the end, by X at the last"
    )
    ends.add_argument(
        "--landing-share", type=float, default=0.8, metavar="X", help="share of the budget from which on (default: 0.8)"
    )
    ends.add_argument(
        "--loop-repeats",
        type=int,
        default=0,
        metavar="N",
        help="close after N copies of a block in a row (0: off)",
    )
    ends.add_argument("--loop-tokens", type=int, default=64, metavar="N", help="tokens of such a block, at most")


def closing_of(args: argparse.Namespace) -> Budget:
    """Return a budget of what the arguments ask for, and of nothing else; `--advice` asks the family of `--model`.

    Raises:
        InvalidSetting: one of them is out of range.
        UnknownModel: there is no such model.
    """
    asked = Budget(
        final_answer_text=args.final_answer,
        landing_text=args.landing_text,
        landing_bias=args.landing_bias,
        landing_share=args.landing_share,
        loop_repeats=args.loop_repeats,
        loop_tokens=args.loop_tokens,
    )
    return thinking_format(resolve(args.model).format).advised(asked) if args.advice else asked
