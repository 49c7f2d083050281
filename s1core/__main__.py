"""Ask one question from the command line and watch the model think."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import NoReturn, TextIO

from s1core.budget import DEFAULT_WAIT_TEXT, Budget
from s1core.commands import Steered
from s1core.engines import load_engine
from s1core.engines.base import Engine
from s1core.engines.capabilities import capability_line
from s1core.engines.replay import ReplayEngine
from s1core.errors import InvalidSetting, S1Error
from s1core.fork import CLOSE, FOLLOW, IGNORE, Turn, fork_stream, places
from s1core.keys import HELP, keys_of
from s1core.methods import METHODS, Method, read_method
from s1core.methods.show import outcome_lines, run_line
from s1core.models import PRESETS
from s1core.problems import expected_answer
from s1core.recording import Recorder
from s1core.solve import stream
from s1core.steering import Steering
from s1core.types import Cut, Event, Finished, Receipt, Sampling, Started, Tokens, Trace
from s1core.weights import default_model

EXAMPLES = """\
examples:
  python -m s1core "How many r in raspberry?"                      think as long as the model wants
  python -m s1core "How many r in raspberry?" --budget 128 --waits 1   at most 128 tokens, ignore one end
  python -m s1core "What is 7^8 mod 11?" --budget 0                no thinking at all
  python -m s1core "What is 7^8 mod 11?" --url http://127.0.0.1:8000   ask a server that already runs
  python -m s1core "How many r in raspberry?" --waits 1 --save run.jsonl   keep it as a recording
  python -m s1core "How many r in raspberry?" --recording app/recordings/race-waits.jsonl --waits 2   play it again
  python -m s1core "What is 7^8 mod 11?" --method vote:samples=8   the most common answer of eight samples
  python -m s1core "What is 7^8 mod 11?" --method early-exit:every=16,equal=3   stop when the answer has settled
  python -m s1core "What is 7^8 mod 11?" --waits 2 --json          the whole trace as one JSON object
  python -m s1core "How many r in raspberry?" --waits 1 --json > trace.json
  python -m s1core "How many r in raspberry?" --fork trace.json --at wait1 --say Hmm   another word at the first Wait
  python -m s1core "How many r in raspberry?" --fork trace.json --at 20 --close        what it would have said after 20
"""

AMBER, GREEN, BLUE, BOLD, DIM, RESET = "\x1b[30;43m", "\x1b[30;42m", "\x1b[34m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
CLOSINGS = {
    "model": "the model ended its thinking",
    "budget": "budget spent: {spent}",
    "context": "context full: {spent}",
    "you": "you wanted the answer: {spent}",
    "settled": "the answer has settled: {spent}",
    "cancelled": "cancelled",
}
CLOSERS = {
    "model": "the model",
    "budget": "the budget",
    "context": "the context",
    "settled": "an early exit",
    "you": "you",
    "cancelled": "Stop",
}


class Parser(argparse.ArgumentParser):
    """Bad arguments cost one sentence, not a page of usage."""

    def error(self, message: str) -> NoReturn:
        """Print the sentence and leave with 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> Parser:
    """Build the command line."""
    p = Parser(
        prog="python -m s1core",
        description="Ask a question, decide how long the model thinks, and watch it.",
        epilog=f"{EXAMPLES}\nwhile it thinks, in a terminal: {HELP}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("question", help="what to ask")
    p.add_argument(
        "--model",
        default=None,
        help=f"preset ({', '.join(PRESETS)}), folder, GGUF file or hub id (default: that of --url, else {default_model()})",
    )
    p.add_argument(
        "--engine",
        default=None,
        help="transformers, llamacpp, vllm, http with --url, or replay with --recording (default: what fits)",
    )
    p.add_argument("--url", default=None, help="servers that already run, separated by commas (key: S1_API_KEY)")
    p.add_argument("--served-model", default=None, metavar="NAME", help="which model of the servers, by its name there")
    p.add_argument("--recording", default=None, metavar="FILE", help="play runs that were saved here or in the app")
    p.add_argument("--save", default=None, metavar="FILE", help="keep the run as a recording, which the app plays too")
    p.add_argument("--speed", type=float, default=1.0, metavar="X", help="of a recording: 2 is twice as fast")
    p.add_argument(
        "--budget", type=int, default=None, metavar="N", help="at most N thinking tokens (default: no limit)"
    )
    p.add_argument("--min-thinking", type=int, default=0, metavar="N", help="ignore ends before N thinking tokens")
    p.add_argument("--waits", type=int, default=0, metavar="N", help="ignore the end of thinking N times")
    p.add_argument("--wait-text", default=DEFAULT_WAIT_TEXT, help="what replaces an ignored end (default: Wait)")
    p.add_argument("--accounting", default="total", choices=("total", "per_round"), help="how the budget is counted")
    p.add_argument("--max-answer", type=int, default=None, metavar="N", help="at most N answer tokens")
    p.add_argument("--temperature", type=float, default=0.0, metavar="T", help="0 is greedy (default)")
    add_filters(p)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument(
        "--method",
        default=None,
        metavar="NAME[:SETTING=VALUE,...]",
        help=f"another way to spend compute: {', '.join(METHODS)} (docs/methods.md); the budget is that of each run",
    )
    p.add_argument("--fork", default=None, metavar="FILE", help="go on from a trace that --json printed")
    p.add_argument(
        "--at", default=None, metavar="PLACE", help="of the fork: start, wait1, wait2, ..., end (default), or tokens"
    )
    p.add_argument("--say", default=None, metavar="WORD", help="force this at the fork; empty: go on without a word")
    p.add_argument("--close", action="store_true", help="think no further at the fork")
    p.add_argument("--json", action="store_true", help="print the trace as one JSON object instead")
    return p


def add_filters(p: argparse.ArgumentParser) -> None:
    """Add the arguments that leave tokens out before one is drawn."""
    p.add_argument("--top-p", type=float, default=1.0, metavar="P", help="keep the likeliest tokens that reach P")
    p.add_argument("--top-k", type=int, default=0, metavar="K", help="keep the K likeliest tokens (default: all)")
    p.add_argument("--min-p", type=float, default=0.0, metavar="P", help="keep tokens P times as likely as the top one")


class Terminal:
    """Prints a run as it happens. Shape and words show who wrote each part; with colour where possible."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._colour = out.isatty() and "NO_COLOR" not in os.environ
        self._spent = 0

    def show(self, event: Event) -> None:
        """Print one event."""
        match event:
            case Tokens(source="model"):
                self._spent += len(event.token_ids) * (event.phase == "thinking")
                self._write(_printable(event.text), BOLD if event.phase == "answer" else "")
            case Tokens(source="wait"):
                self._spent += len(event.token_ids)
                self._write(f"[{event.note}: {_printable(event.text) or 'end ignored'}]", AMBER)
            case Tokens(source="you"):
                self._spent += len(event.token_ids)
                self._write(f"[you: {_printable(event.text) or 'end ignored'}]", GREEN)
            case Steered() if event.kind in ("more", "less", "pause") or event.at_end:
                self._write(f"[you: {_printable(event.in_words)}]", GREEN)
            case Tokens(source="close"):
                reason = CLOSINGS[event.note].format(spent=self._spent)
                self._write(f"\n── {reason} ──\n", BLUE)
                if "Answer" in event.text:
                    self._write(_printable(event.text.splitlines()[-1]), BLUE)
            case Cut():
                self._spent = event.keep_tokens
                self._write(f"\n── cut to its first {event.keep_tokens} tokens ──", BLUE)
            case Finished():
                self._write("\n\n" + receipt_lines(event.receipt, event.answer) + "\n", DIM)
            case _:
                pass

    def _write(self, text: str, style: str) -> None:
        self._out.write(f"{style}{text}{RESET}" if self._colour and style else text)
        self._out.flush()


def _printable(text: str) -> str:
    """Drop control characters: a model's text may not steer the terminal."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable())


def receipt_lines(receipt: Receipt, answer: str | None) -> str:
    """Render the receipt in plain words."""
    asked = "no limit" if receipt.max_thinking_tokens is None else str(receipt.max_thinking_tokens)
    speed = "" if receipt.tokens_per_s is None else f", {receipt.tokens_per_s:,.0f} tokens/s"
    first = receipt.time_to_first_token_s
    rows = {
        "answer": answer if answer is not None else f"none found ({receipt.answer_rule})",
        "thinking": f"{receipt.thinking_tokens} tokens of {asked}, closed by {CLOSERS[receipt.closed_by]}",
        "waits": f"{receipt.waits_used} of {receipt.waits} forced",
        "prefix": f"{receipt.prefill_computed} tokens computed, {receipt.prefill_reused} reused",
        "time": f"{receipt.wall_s:.2f} s{'' if first is None else f', first token after {first * 1000:.0f} ms'}{speed}",
        "model": f"{receipt.model} on {receipt.engine}, {receipt.drawn}",
    }
    if receipt.steered:
        rows["you"] = ", ".join(f"{_printable(each.in_words)} at {each.at_tokens}" for each in receipt.steered)
    if receipt.probe_tokens or receipt.discarded_tokens:
        more = {"probes": receipt.probe_tokens, "taken back": receipt.discarded_tokens}
        counts = ", ".join(f"{name} {count}" for name, count in more.items() if count)
        rows["total"] = f"{receipt.total_tokens} tokens: thinking, answer, {counts}"
    if receipt.unsupported:
        rows["not kept"] = "; ".join(receipt.unsupported)
    return "\n".join(f"{name:<9} {value}" for name, value in rows.items())


def _engine(args: argparse.Namespace) -> Engine:
    options: dict[str, object] = {} if args.url is None else {"url": args.url, "served_model": args.served_model}
    if args.recording is not None:
        options |= {"recording": args.recording, "speed": args.speed}
    implied = "replay" if args.recording else None
    return load_engine(args.model, engine=args.engine or implied, **options)


def _steering(args: argparse.Namespace, engine: Engine, budget: Budget) -> Steering:
    """Return what steers the run: a recorded one is steered as it was."""
    return Steering(script=engine.script(args.question, budget) if isinstance(engine, ReplayEngine) else ())


def _events(
    args: argparse.Namespace, engine: Engine, budget: Budget, sampling: Sampling, steering: Steering
) -> Generator[Event, None, None]:
    if args.fork is None:
        return stream(engine, args.question, budget, sampling, steering=steering)
    trace = _read_trace(args.fork)
    turn = CLOSE if args.close else FOLLOW if args.say is None else Turn.say(args.say) if args.say else IGNORE
    at = _place(trace, args.at or "end")
    return fork_stream(engine, args.question, trace, at, budget, sampling, turn=turn, steering=steering)


def _show(engine: Engine, events: Generator[Event, None, None], steering: Steering) -> None:
    """Print the events of a run as they come, and let the keys of the terminal steer it."""
    terminal = Terminal(sys.stdout)
    with keys_of(sys.stdin, steering, lambda words: print(words, end="", file=sys.stderr, flush=True)) as listens:
        for event in events:
            if isinstance(event, Started):
                print(f"{engine.name}: {capability_line(engine)}", file=sys.stderr)
                if listens:
                    print(HELP, file=sys.stderr)
            terminal.show(event)


def _run_method(args: argparse.Namespace, engine: Engine, method: Method, sampling: Sampling) -> None:
    """Run a method and show it: one run as it happens, of several the end of each."""
    terminal = Terminal(sys.stdout)

    def take(number: int, event: Event) -> None:
        if args.json:
            return
        if not method.draws:
            terminal.show(event)
        elif isinstance(event, Finished):
            print(_printable(run_line(number, event)), flush=True)

    print(f"{engine.name}: {capability_line(engine)}", file=sys.stderr)
    outcome = method.run(engine, args.question, method.sampling(sampling), on_event=take)
    if args.json:
        print(json.dumps({"method": method.as_dict(), **outcome.as_dict()}, ensure_ascii=False))
    elif method.draws:
        print("\n" + _printable(outcome_lines(method, outcome)))


def _saved(args: argparse.Namespace, recorder: Recorder) -> None:
    try:
        recorder.save(Path(args.save), expected=expected_answer(args.question))
    except OSError as error:
        raise InvalidSetting(f"{args.save} cannot be written ({error.strerror}); name another file") from None


def _read_trace(path: str) -> Trace:
    try:
        return Trace.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidSetting(f"{path} holds no trace; make one with --json > {path}") from None


def _place(trace: Trace, name: str) -> int:
    """Read a place of a fork: its name, or a number of thinking tokens."""
    if name.isascii() and name.isdigit():
        return int(name)
    known = {f"{place.kind}{place.number or ''}": place.tokens for place in places(trace)}
    if name not in known:
        raise InvalidSetting(f"the trace has no place {name!r}; it has {', '.join(known)}, or give thinking tokens")
    return known[name]


def _check_fork(args: argparse.Namespace) -> None:
    if args.fork is None and (args.at is not None or args.say is not None or args.close):
        raise InvalidSetting("--at, --say and --close say where and how to go on from a trace; name it with --fork")
    if args.close and args.say is not None:
        raise InvalidSetting("--say and --close exclude each other; drop one")


def _method(args: argparse.Namespace, budget: Budget) -> Method | None:
    if args.method is None:
        return None
    if args.fork is not None or args.save is not None or args.recording is not None:
        raise InvalidSetting("--method makes new runs of its own; leave out --fork, --save and --recording")
    return read_method(args.method, budget)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parser().parse_args(argv)
    try:
        budget = Budget(
            max_thinking_tokens=args.budget,
            min_thinking_tokens=args.min_thinking,
            waits=args.waits,
            wait_text=args.wait_text,
            accounting=args.accounting,
            max_answer_tokens=args.max_answer,
        )
        sampling = Sampling(
            temperature=args.temperature, top_p=args.top_p, top_k=args.top_k, min_p=args.min_p, seed=args.seed
        )
        _check_fork(args)
        method = _method(args, budget)
        engine = _engine(args)
        recorder = Recorder(args.question, args.model or engine.model, budget, sampling)
        try:
            if method is not None:
                _run_method(args, engine, method, sampling)
                return 0
            steering = _steering(args, engine, budget)
            events = recorder.watch(_events(args, engine, budget, sampling, steering))
            if args.json:
                print(json.dumps(Trace.from_events(events).as_dict(), ensure_ascii=False))
            else:
                _show(engine, events, steering)
        finally:
            engine.close()
            if args.save is not None:
                _saved(args, recorder)
    except S1Error as error:
        print(f"python -m s1core: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
