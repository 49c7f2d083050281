"""The tape on the page: its two clocks, reading pace, and the beat at an ignored end."""

from __future__ import annotations

from typing import Any

from app.runs.questions import same_answer
from app.runs.render import CLOSE_BY_MODEL, LABEL_END, MODEL, WAIT
from app.tabs.compare import recording_file
from app.tabs.compare.tape import tape
from tests.scripts import evaluate

TAPE = ["runs/tape.js"]
BEAT_S = 1.2
LOOK = f"{MODEL}First look: 2.\n"
TEXT = f"{LOOK}{WAIT}1{LABEL_END}Wait{MODEL}, r1.{CLOSE_BY_MODEL}model stopped{LABEL_END}{MODEL} 3"


def coarse() -> dict[str, Any]:
    """A lane of which the page saw only the beginning and the end, as with a fast model."""
    meter = {"spent": 0, "written": 0, "limit": 99}
    return {
        "texts": [TEXT],
        "frames": [
            [0, 0, 0, {"state": "running", "meter": meter}],
            [0.1, 0, len(TEXT), {"meter": {"spent": 28, "written": 30}}],
            [0.2, 0, len(TEXT), {"state": "done"}],
        ],
    }


def reading(lane: dict[str, Any], seconds: list[float]) -> list[dict[str, Any]]:
    moment = "(({ text, beat, state, meter }) => ({ text, beat, state, spent: meter.spent }))(reader.at(at, true))"
    return evaluate(TAPE, f"((reader) => seconds.map((at) => {moment}))(laneReader(lane))", lane=lane, seconds=seconds)


def test_a_lane_takes_a_second_for_30_tokens_and_a_beat_for_every_ignored_end() -> None:
    end = evaluate(TAPE, "laneReader(lane).end(true)", lane=coarse())
    assert end == 30 / 30 + BEAT_S + 0.5


def test_text_is_written_bit_by_bit_between_two_updates() -> None:
    early, later = reading(coarse(), [0.2, 0.4])
    assert LOOK.startswith(early["text"]) and len(early["text"]) < len(later["text"]) < len(LOOK)
    assert early["state"] == "running" and 0 < early["spent"] < later["spent"] < 28


def test_nothing_is_written_during_the_beat_and_then_the_wait_is_there_at_once() -> None:
    moments = reading(coarse(), [step / 20 for step in range(0, 60)])
    silent = [moment for moment in moments if moment["beat"] is not None]
    assert {moment["text"] for moment in silent} == {LOOK}
    assert len(silent) in range(22, 26), "a beat of 1.2 s, looked at every 50 ms"
    assert [moment["beat"] for moment in silent] == sorted(moment["beat"] for moment in silent)
    after = next(moment for moment in moments[moments.index(silent[-1]) :] if moment["beat"] is None)
    assert after["text"].startswith(f"{LOOK}{WAIT}1{LABEL_END}Wait{MODEL}")


def test_reading_ends_where_the_true_clock_ends() -> None:
    (last,) = reading(coarse(), [99.0])
    assert (last["text"], last["state"], last["spent"]) == (TEXT, "done", 28)


def test_texts_only_grow_and_are_the_same_on_both_clocks_at_the_end() -> None:
    lane = tape(recording_file.read_bundled("race-waits"), same_answer)["lanes"][3]
    moments = reading(lane, [step / 10 for step in range(0, 160)])
    for before, now in zip(moments, moments[1:], strict=False):
        assert now["text"].startswith(before["text"])
    true_end = evaluate(TAPE, "laneReader(lane).at(1e9).text", lane=lane)
    assert moments[-1]["text"] == true_end == lane["texts"][-1]


def test_a_moment_is_found_again_on_the_other_clock() -> None:
    lane = tape(recording_file.read_bundled("opening-s1-nano"), same_answer)["lanes"][1]
    there_and_back = (
        "((reader) => reader.translated(reader.translated(reader.timeOf(20), true), false) - reader.timeOf(20))"
    )
    assert abs(evaluate(TAPE, f"{there_and_back}(laneReader(lane))", lane=lane)) < 0.05


def test_a_live_tape_grows_by_what_is_new() -> None:
    view = {"question": "q", "expected": "", "lanes": [{"setting": {}}]}
    updates = [
        {
            "lanes": [
                {"setting": {}, "clock": n / 20, "text": TEXT[:size], "state": "running", "meter": {"written": size}}
            ]
        }
        for n, size in enumerate((0, 5, 12))
    ]
    grow = "updates.reduce((tape, update) => (growTape(tape, update), tape), newTape(view))"
    grown = evaluate(TAPE, grow, view=view, updates=updates)
    (lane,) = grown["lanes"]
    assert lane["texts"] == [TEXT[:12]] and [frame[2] for frame in lane["frames"]] == [0, 5, 12]
    assert grown["end"] == 0.1 and "state" not in lane["frames"][1][3]
