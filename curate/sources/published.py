"""The sixteen sources of s1's 59K, as the paper's appendix and the repository's collection script have them.

`published_rows` are the paper's counts and add up to 59,029. Where the published collection used lists of its own, for
500 questions of NuminaMath outside its forum part and for SciEval, the difference is said here.
"""

from __future__ import annotations

from curate.sources.mapping import Filter, Hub, Source
from s1core.benchmarks import SOURCES as BENCHMARKS

_CONVERTED = "refs/convert/parquet"

_SOURCES = (
    Source(
        name="numina",
        title="NuminaMath-CoT",
        hub=Hub(id="AI-MO/NuminaMath-CoT"),
        question=("{problem}",),
        # Published: the forum part and 456 of the rest, by a list of their own.
        filters=(Filter(field="source", test="is", value="aops_forum"),),
        subject="source",
        licence="Apache-2.0",
        published_rows=30_660,
    ),
    Source(
        name="math",
        title="MATH (train)",
        hub=Hub(id="simplescaling/openaimath"),
        question=("{problem}",),
        id="unique_id|id",
        subject="subject|type",
        licence="MIT",
        published_rows=11_999,
    ),
    Source(
        name="olympic_arena",
        title="OlympicArena",
        hub=Hub(
            id="GAIR/OlympicArena",
            configs=("Math", "Physics", "Chemistry", "Biology", "Geography", "Astronomy", "CS"),
            splits=("test", "val"),
        ),
        question=("{problem}",),
        filters=(
            Filter(field="language", test="is", value="EN"),
            Filter(field="modality", test="is", value="text-only"),
        ),
        subject="subject",
        published_rows=4_250,
    ),
    Source(
        name="omni_math",
        title="Omni-MATH",
        hub=Hub(id="KbsdJames/Omni-MATH", splits=("test",)),
        question=("{problem}",),
        subject="domain",
        licence="Apache-2.0",
        published_rows=4_238,
    ),
    Source(
        name="agieval",
        title="AGIEval",
        hub=Hub(
            id="baber/agieval",
            configs=("sat_en", "sat_math", "lsat_ar", "lsat_lr", "lsat_rc", "logiqa", "aqua_rat", "math_agieval"),
            splits=("test", "few_shot"),
            revision=_CONVERTED,
        ),
        # "Which of the following" needs its options; MATH among them only at its hardest level.
        question=("{passage}\n\n", "{question}", "\n{options}"),
        solution="solution|other.solution|answer|label",
        choice="label",
        subject="type|other.type",
        filters=(Filter(field="level|other.level", test="is", value=5),),
        licence="MIT",
        published_rows=2_385,
    ),
    Source(
        name="xword",
        title="xword1 (crosswords)",
        hub=Hub(id="0xharib/xword1"),
        question=(
            "Solve the crossword puzzle. You are presented with a clue as input and the number of letters in brackets."
            "\n\n{input}",
        ),
        after="### Clue: ",
        solution="output",
        answer="output",
        kind="text",
        published_rows=999,
        sample=999,
    ),
    Source(
        name="olympiad_bench",
        title="OlympiadBench",
        hub=Hub(
            id="Hothan/OlympiadBench",
            configs=("OE_TO_maths_en_COMP", "OE_TO_physics_en_COMP", "TP_TO_maths_en_COMP", "TP_TO_physics_en_COMP"),
        ),
        question=("{context}\n\n", "{question}"),
        answer="final_answer",
        subject="subject",
        licence="Apache-2.0",
        published_rows=896,
    ),
    Source(
        name="aime",
        title="AIME 1983–2022",
        hub=Hub(id="qq8933/AIME_1983_2024"),
        solution="solution|answer",
        kind="integer",
        # 2023 is left out beside 2024: closest to what models are evaluated on.
        filters=(Filter(field="year", test="at_most", value=2022),),
        published_rows=890,
    ),
    Source(
        name="theorem_qa",
        title="TheoremQA",
        hub=Hub(id="TIGER-Lab/TheoremQA", splits=("test",)),
        solution="answer",
        filters=(Filter(field="picture", test="absent"),),
        subject="subfield|field|answer_type",
        licence="MIT",
        published_rows=747,
    ),
    Source(
        name="usaco",
        title="USACO",
        hub=Hub(id="codegenning/usacobench_formatted", splits=("test",)),
        published_rows=519,
    ),
    Source(
        name="jeebench",
        title="JEEBench",
        hub=Hub(id="daman1209arora/jeebench", splits=("test",)),
        solution="gold",
        answer="gold",
        id="index",
        subject="subject",
        licence="MIT",
        published_rows=515,
    ),
    Source(
        name="gpqa",
        title="GPQA (extended without diamond)",
        # The diamond questions among them share all their 8-grams with the evaluation set and leave there.
        hub=Hub(id="Idavidrein/gpqa", configs=("gpqa_extended",), gated=True),
        solution="explanation|correct_answer",
        answer="correct_answer",
        id="record_id",
        subject="subdomain|high-level_domain",
        licence="CC-BY-4.0",
        published_rows=348,
        private=True,
    ),
    Source(
        name="scieval",
        title="SciEval",
        hub=Hub(id="OpenDFM/SciEval", splits=("test", "validation"), revision=_CONVERTED),
        solution="answer",
        before="\n\nAnswer:",
        filters=(Filter(field="answer", test="given"),),
        subject="category",
        # Published: 227 spread over its tasks, by a list of their own.
        sample=227,
        published_rows=227,
    ),
    Source(
        name="s1_prob",
        title="s1-prob (statistics qualifying exams)",
        hub=Hub(id="simplescaling/s1-prob"),
        published_rows=182,
    ),
    Source(
        name="livecodebench",
        title="LiveCodeBench (hard)",
        hub=Hub(
            id="livecodebench/code_generation_lite",
            files=("test.jsonl", "test2.jsonl", "test3.jsonl"),
        ),
        question=("{question_content}",),
        filters=(Filter(field="difficulty", test="is", value="hard"),),
        subject="platform",
        published_rows=151,
    ),
    Source(
        name="s1_teasers",
        title="s1-teasers (quantitative interviews)",
        hub=Hub(id="simplescaling/s1-teasers"),
        solution="answer",
        published_rows=23,
    ),
)

PUBLISHED: dict[str, Source] = {source.name: source for source in _SOURCES}

EVALUATION: dict[str, Source] = {
    name: Source(
        name=name,
        title=benchmark.title,
        hub=Hub(id=benchmark.hub_id, configs=(benchmark.hub_config,), splits=(benchmark.split,), gated=benchmark.gated),
        private=benchmark.private,
        licence={"math500": "MIT", "gpqa_diamond": "CC-BY-4.0"}.get(name, "facts"),
    )
    for name, benchmark in BENCHMARKS.items()
    if name in ("aime24", "aime25", "math500", "gpqa_diamond")
}
"""What the paper evaluates on, and therefore must not be trained on."""

PUBLISHED_FUNNEL: dict[str, int] = {
    "collected": 59_029,
    "without failed calls": 54_116,
    "after format filters": 51_581,
    "too hard for both weak models": 24_496,
    "selected": 1_000,
}
"""The paper's counts; the released notebook has 51,607 and 24,517."""
