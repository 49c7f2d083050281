"""The selection's rules, on a synthetic pool of the published size: 24,517 rows in 51 domains."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest

from curate.rows import CurateError, Row, question_key
from curate.select import LONG_MATH_TOKENS, Drawn, Select, benchmark_mix, draw_rank, is_first_take, select, spread

ROWS, DOMAINS = 24_517, 51


def row(number: int, **facts: object) -> Row:
    question = f"question {number}"
    base = Row(key=question_key(question), id=str(number), source="numina", question=question, solution="")
    return Row(**{**base.as_dict(), **facts})  # type: ignore[arg-type]


@cache
def pool() -> tuple[Row, ...]:
    """Sources and domains about as uneven as the real ones; some domains with two or three rows."""
    rng = random.Random(7)
    domains = [f"d{n:02d}" for n in range(DOMAINS)]
    weights = [2.0 ** -(n / 6) for n in range(DOMAINS)]
    rows: list[Row] = []
    for number in range(ROWS):
        source = rng.choices(("numina", "math", "aime", "gpqa"), (0.94, 0.02, 0.03, 0.01))[0]
        # The first rows see to it that every domain is there, the last three with three, two and one row.
        domain = domains[number] if number < DOMAINS else rng.choices(domains[:-3], weights[:-3])[0]
        domain = {DOMAINS: domains[-3], DOMAINS + 1: domains[-3], DOMAINS + 2: domains[-2]}.get(number, domain)
        if domain in domains[-3:]:
            source = "numina"
        rows.append(
            row(
                number,
                source=source,
                domain=domain,
                correct=rng.random() < 0.4,
                thinking_tokens=int(rng.lognormvariate(8.3, 0.45)),
            )
        )
    return tuple(rows)


@cache
def published(seed: int = 0) -> tuple[Drawn, ...]:
    return tuple(select(pool(), "published", 1000, seed))


def test_a_thousand_different_rows_that_follow_from_pool_and_seed() -> None:
    chosen = [d.row.uid for d in published()]
    assert len(set(chosen)) == len(chosen) == 1000
    shuffled = random.Random(1).sample(pool(), ROWS)
    assert [d.row.uid for d in select(shuffled, "published", 1000, 0)] == chosen
    assert {d.row.uid for d in published(1)} != set(chosen)


def test_right_answers_to_gpqa_and_aime_and_long_right_ones_to_math_come_first() -> None:
    wanted = {r.uid for r in pool() if is_first_take(r)}
    first = [d.row.uid for d in published() if d.by == "first_take"]
    assert set(first) == wanted
    assert [d.by for d in published()[: len(first)]] == ["first_take"] * len(first)
    assert not is_first_take(row(1, source="math", correct=True, thinking_tokens=LONG_MATH_TOKENS))
    assert is_first_take(row(1, source="math", correct=True, thinking_tokens=LONG_MATH_TOKENS + 1))
    assert not is_first_take(row(1, source="aime", correct=False))
    assert not is_first_take(row(1, source="gpqa", correct=None))


def test_domains_are_drawn_uniformly_up_to_700_and_then_from_the_benchmarks() -> None:
    drawn = [d for d in published() if d.by != "first_take"]
    first = 1000 - len(drawn)
    assert first < 700
    uniform = [d for d in drawn if d.by == "uniform_domain"]
    assert len(uniform) == 700 - first
    assert all(d.by == "benchmark_domain" for d in drawn[len(uniform) :])
    # Uniformly: far from the pool's own mix, in which the first domain has a ninth of all rows.
    counts: Counter[str | None] = Counter()
    for seed in range(20):
        counts += Counter(d.row.domain for d in published(seed) if d.by == "uniform_domain")
    expected = sum(counts.values()) / DOMAINS
    assert all(0.6 * expected < counts[f"d{n:02d}"] < 1.6 * expected for n in range(DOMAINS - 3))


def test_the_benchmarks_mix_is_aimes_and_gpqas_with_gpqa_at_half_of_aime() -> None:
    mix = benchmark_mix(pool())
    aime = Counter(r.domain for r in pool() if r.source == "aime")
    gpqa = Counter(r.domain for r in pool() if r.source == "gpqa")
    scale = 0.5 * aime.total() / gpqa.total()
    assert mix == {d: aime[d] + int(gpqa[d] * scale) for d in mix}
    drawn = Counter(d.row.domain for seed in range(20) for d in published(seed) if d.by == "benchmark_domain")
    total, weight = drawn.total(), sum(mix.values())
    for domain in sorted(mix, key=lambda d: -mix[d])[:5]:
        assert drawn[domain] / total == pytest.approx(mix[domain] / weight, abs=0.04)


def test_ranks_are_drawn_with_weight_one_half_to_the_rank() -> None:
    rng, draws = random.Random(0), 40_000
    counts = Counter(draw_rank(rng, 5) for _ in range(draws))
    assert set(counts) == set(range(5))
    for rank in range(5):
        assert counts[rank] / draws == pytest.approx(2.0**-rank / sum(2.0**-r for r in range(5)), abs=0.01)
    assert draw_rank(rng, 1) == 0
    assert max(draw_rank(rng, 24_517) for _ in range(10_000)) < 40


def test_the_longest_of_a_domain_are_drawn_most_often() -> None:
    rows = [row(n, domain="only", thinking_tokens=n) for n in range(1000)]
    longest = Counter(d.row.id for seed in range(300) for d in select(rows, "published", 1, seed))
    assert longest["999"] / 300 == pytest.approx(0.5, abs=0.1)
    assert longest["998"] / 300 == pytest.approx(0.25, abs=0.1)


def test_an_exhausted_domain_leaves_and_a_small_pool_is_taken_whole() -> None:
    small = {f"d{n:02d}" for n in range(DOMAINS - 3, DOMAINS)}
    wanted = {r.uid for r in pool() if r.domain in small}
    assert len(wanted) == 6
    drawn = select(pool(), "published", 2000, 0)
    assert wanted <= {d.row.uid for d in drawn}
    assert len({d.row.uid for d in drawn}) == 2000
    rows = [row(n, domain=f"d{n % 3}") for n in range(20)]
    assert {d.row.uid for d in select(rows, "published", 1000, 0)} == {r.uid for r in rows}


def test_without_benchmarks_domains_stay_uniform() -> None:
    rows = [row(n, domain=f"d{n % 4}", thinking_tokens=n) for n in range(400)]
    drawn = select(rows, "published", 200, 0)
    assert {d.by for d in drawn} == {"uniform_domain"}
    assert all(30 < n < 70 for n in Counter(d.row.domain for d in drawn).values())


def test_more_first_takes_than_wanted_are_drawn_from() -> None:
    rows = [row(n, source="aime", correct=True, domain="d") for n in range(30)]
    drawn = select(rows, "published", 10, 0)
    assert len(drawn) == 10
    assert {d.by for d in drawn} == {"first_take"}


def test_the_data_ablations_selections() -> None:
    rows = pool()[:3000]
    longest = select(rows, "longest", 1000, 0)
    shortest_chosen = min(d.row.thinking_tokens or 0 for d in longest)
    assert sum((r.thinking_tokens or 0) > shortest_chosen for r in rows) < 1000
    assert len({d.row.uid for d in select(rows, "random", 1000, 0)}) == 1000
    assert [d.row for d in select(rows, "all", 1000, 0)] == list(rows)
    diverse = Counter(d.row.domain for d in select(rows, "diverse", 300, 0))
    own = Counter(r.domain for r in rows)
    assert max(diverse.values()) / 300 < 0.5 * max(own.values()) / len(rows)


def test_what_is_not_drawn_is_rejected_as_such() -> None:
    outcome = Select(target=1000).run(pool(), lambda done, rejected: None)
    assert outcome.by_rule() == {"not_drawn": ROWS - 1000}
    assert {r.uid for r in outcome.rows}.isdisjoint(r.uid for r in outcome.rejections)
    assert all(r.drawn for r in outcome.rows)
    with pytest.raises(CurateError, match="known: published, random"):
        Select(mode="best").run(pool(), lambda done, rejected: None)  # type: ignore[arg-type]


def phrased(count: int, phrasings: int) -> list[Row]:
    """Rows of two domains; of the first one nearly all have the same phrasing."""
    rows = [row(n, domain="a", subject="a", phrasing=f"p{max(0, n - 200 + phrasings)}") for n in range(200)]
    return rows + [row(n, domain="b", subject="b", phrasing=f"q{n % 4}") for n in range(200, count)]


def test_phrasings_of_a_domain_are_drawn_alike() -> None:
    rows = phrased(600, 5)
    for mode in ("published", "diverse"):
        counts: Counter[str] = Counter()
        for seed in range(40):
            counts += Counter(d.row.phrasing for d in select(rows, mode, 8, seed))
        # The rare ones have one row each, and are drawn as often as the frequent one until that is gone.
        assert 0.5 < counts["p1"] / (sum(counts[f"p{n}"] for n in range(1, 6)) / 5) < 1.7
        assert counts["p1"] > 0.4 * counts["p0"]


def test_any_length_is_drawn_alike_at_ratio_one() -> None:
    rows = [row(n, domain="only", thinking_tokens=n) for n in range(100)]
    drawn = [int(d.row.id) for seed in range(400) for d in select(rows, "published", 1, seed, 1.0)]
    assert 40 < sum(drawn) / len(drawn) < 60
    rng = random.Random(0)
    counts = Counter(draw_rank(rng, 4, 0.8) for _ in range(40_000))
    for rank in range(4):
        assert counts[rank] / 40_000 == pytest.approx(0.8**rank / sum(0.8**r for r in range(4)), abs=0.01)


def test_a_spread_sample_takes_of_every_phrasing() -> None:
    rows = phrased(600, 5)
    chosen = spread(rows, 20, 0)
    assert len(chosen) == 20
    counts = Counter((r.subject, r.phrasing) for r in rows if r.uid in chosen)
    assert sum(n for (subject, _), n in counts.items() if subject == "a") == 10
    assert {subject for subject, _ in counts} == {"a", "b"} and len(counts) >= 7
    assert spread(random.Random(1).sample(rows, len(rows)), 20, 0) == chosen
    assert spread(rows, 20, 1) != chosen
    assert spread(rows, 10_000, 0) == {r.uid for r in rows}
