"""How long the thinking of a set is, beside the published sets. Lengths span decades, hence the logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.shell.responses import View

MOST_BINS = 24


def lengths_view(name: str, lengths: Sequence[int]) -> View:
    """A measured set: up to `MOST_BINS` bins of equal width on a logarithmic axis.

    Heights are percent of the set per doubling of the length, so that bins of any width can be compared.
    """
    kept = [length for length in lengths if length > 0]
    if not kept:
        return _view(name, "measured", [], [], len(lengths), None)
    low, high = min(kept), max(kept) + 1
    # Lengths are whole: bins narrower than one would leave holes.
    bins = max(1, min(MOST_BINS, math.isqrt(len(kept)) + 1, int(math.log(high / low) / math.log((low + 1) / low))))
    edges = [low * (high / low) ** (n / bins) for n in range(bins + 1)]
    counts = [0] * bins
    for length in kept:
        counts[min(bins - 1, int(bins * math.log(length / low) / math.log(high / low) + 1e-9))] += 1
    return _view(name, "measured", edges, counts, len(kept), sum(kept) / len(kept))


def published_lengths(histogram: View) -> View:
    """A published histogram, trimmed to the bins that hold something."""
    edges, counts = list(histogram["bin_edges"]), list(histogram["counts"])
    last = max((place for place, count in enumerate(counts) if count), default=0)
    name = "s1K-1.1" if "1.1" in histogram["series"] else "s1K"
    return _view(name, "published", edges[: last + 2], counts[: last + 1], histogram["n"], None)


def _view(name: str, origin: str, edges: Sequence[float], counts: Sequence[int], n: int, mean: float | None) -> View:
    pairs = list(zip(edges, edges[1:], strict=False))
    return {
        "name": name,
        "origin": origin,
        "edges": [round(edge, 2) for edge in edges],
        "counts": list(counts),
        "density": [
            round(100 * count / max(1, n) / math.log2(high / low), 3) if high > low else 0.0
            for (low, high), count in zip(pairs, counts, strict=True)
        ],
        "n": n,
        "mean": None if mean is None else round(mean, 1),
    }
