"""What may be drawn, and what the noise depends on."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from s1core.engines.hf.sampler import Sampler, SamplingParams
from s1core.errors import InvalidSetting
from s1core.noise import noise_seed
from s1core.types import Sampling

VOCABULARY = 12
SAMPLER = Sampler(frozenset(range(VOCABULARY)), torch.device("cpu"))
filters = st.builds(
    dict,
    top_p=st.sampled_from([1.0, 0.999, 0.9, 0.5, 0.25, 0.01]),
    top_k=st.sampled_from([0, 0, 1, 2, 5, 12, 100]),
    min_p=st.sampled_from([0.0, 0.0, 0.05, 0.3, 1.0]),
)
scores = st.lists(st.sampled_from([-8.0, -2.0, -0.5, 0.0, 0.1, 1.0, 3.0]), min_size=VOCABULARY, max_size=VOCABULARY)


def kept(logits: list[float], temperature: float, top_p: float, top_k: int, min_p: float) -> set[int]:
    """By hand: of the tokens that min_p keeps the top_k likeliest, and of these the fewest that reach top_p."""
    order = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    order = [i for i in order if math.exp((logits[i] - logits[order[0]]) / temperature) >= min_p - 1e-12]
    order = order[: top_k or None]
    total = sum(math.exp(logits[i] / temperature) for i in order)
    reached, chosen = 0.0, set[int]()
    for i in order:
        if chosen and reached >= top_p - 1e-12 and top_p < 1:
            break
        chosen.add(i)
        reached += math.exp(logits[i] / temperature) / total
    return chosen


@given(logits=scores, temperature=st.sampled_from([0.5, 1.0, 2.0]), asked=filters)
def test_only_kept_tokens_are_drawn(logits: list[float], temperature: float, asked: dict[str, float]) -> None:
    draws = [SamplingParams(Sampling(temperature=temperature, seed=n, **asked), n) for n in range(40)]  # type: ignore[arg-type]
    drawn = SAMPLER.pick(torch.tensor([logits] * 40), draws)
    assert set(drawn) <= kept(logits, temperature, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("asked", [{}, {"top_p": 0.8}, {"top_k": 3}, {"min_p": 0.3}, {"top_p": 0.9, "top_k": 4}])
def test_kept_tokens_keep_their_odds(asked: dict[str, float]) -> None:
    """Pearson's chi-square of 4,000 draws against the exact distribution; fixed seeds, so that it never wavers."""
    logits, temperature, n = [0.3 * i for i in range(VOCABULARY)], 0.7, 4000
    draws = [SamplingParams(Sampling(temperature=temperature, seed=5, **asked), step) for step in range(n)]  # type: ignore[arg-type]
    drawn = Counter(SAMPLER.pick(torch.tensor([logits] * n), draws))
    allowed = kept(logits, temperature, **({"top_p": 1.0, "top_k": 0, "min_p": 0.0} | asked))  # type: ignore[arg-type]
    weights = {i: math.exp(logits[i] / temperature) for i in allowed}
    expected = {i: n * weight / sum(weights.values()) for i, weight in weights.items()}
    assert set(drawn) == allowed
    assert sum((drawn[i] - e) ** 2 / e for i, e in expected.items()) < len(allowed) + 4 * math.sqrt(2 * len(allowed))


@given(logits=st.lists(scores, min_size=1, max_size=6), asked=st.lists(filters, min_size=6, max_size=6))
def test_a_row_draws_alone_what_it_draws_in_company(logits: list[list[float]], asked: list[dict[str, float]]) -> None:
    draws = [
        SamplingParams(Sampling(temperature=0.9 * (n % 3), seed=n, **asked[n]), 3)  # type: ignore[arg-type]
        for n in range(len(logits))
    ]
    together = SAMPLER.pick(torch.tensor(logits), draws)
    assert together == [SAMPLER.pick(torch.tensor([row]), [d])[0] for row, d in zip(logits, draws, strict=True)]


def test_a_filter_in_company_takes_no_tokens_from_others() -> None:
    """In float32 the sum of many small probabilities reaches 1 before the last token."""
    wide = Sampler(frozenset(range(50_000)), torch.device("cpu"))
    logits = torch.zeros(2, 50_000)
    plain = SamplingParams(Sampling(temperature=1.0, seed=0), 0)
    for step in range(20):
        plain = SamplingParams(Sampling(temperature=1.0, seed=0), step)
        company = SamplingParams(Sampling(temperature=1.0, top_p=0.5, seed=0), step)
        assert wide.pick(logits, [plain, company])[0] == wide.pick(logits[:1], [plain])[0]


@pytest.mark.parametrize(
    "wrong", [{"top_k": -1}, {"min_p": 1.5}, {"min_p": -0.1}, {"top_p": 0.0}, {"top_p": 1.1}, {"top_k": 2**31}]
)
def test_a_filter_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidSetting, match=next(iter(wrong))):
        Sampling(**wrong)  # type: ignore[arg-type]


def test_noise_without_a_question_is_what_it_was() -> None:
    """Recorded runs can be made again."""
    assert [noise_seed(Sampling(seed=s, sample_index=i), t) for s, i, t in ((0, 0, 0), (7, 1, 2))] == [
        2891389769238885931,
        -8183105442305071397,
    ]


@given(st.lists(st.tuples(st.integers(0, 5), st.text(max_size=4), st.integers(0, 5), st.integers(0, 5)), unique=True))
def test_every_part_of_a_draw_changes_its_noise(parts: list[tuple[int, str, int, int]]) -> None:
    spelled = {(s, q.encode("utf-8", "replace"), i, t) for s, q, i, t in parts}
    seeds = {noise_seed(Sampling(seed=s, question_id=q, sample_index=i), t) for s, q, i, t in parts}
    assert len(seeds) == len(spelled)


@given(logits=scores, ids=st.lists(st.integers(0, VOCABULARY - 1), max_size=3, unique=True), bias=st.floats(0, 20))
def test_raised_logits_are_drawn_as_if_the_model_gave_them(logits: list[float], ids: list[int], bias: float) -> None:
    by_hand = torch.tensor([logits, logits])
    by_hand[0, ids] += bias
    for temperature in (0.0, 0.7):
        plain = SamplingParams(Sampling(temperature=temperature, seed=3), 5)
        raised = replace(plain, bias=tuple((i, bias) for i in ids))
        assert SAMPLER.pick(torch.tensor([logits, logits]), [raised, plain]) == SAMPLER.pick(by_hand, [plain, plain])


def test_a_token_that_is_forbidden_stays_so_however_it_is_raised() -> None:
    params = SamplingParams(Sampling(), 0, forbidden=frozenset({2}), bias=((2, 90.0), (3, 1.0)))
    assert SAMPLER.pick(torch.zeros(1, VOCABULARY), [params]) == [3]
