"""The seed of one step's noise: a function of (seed, question, sample index, step) and of nothing else."""

from __future__ import annotations

import hashlib
import struct

from s1core.types import Sampling


def noise_seed(sampling: Sampling, step: int) -> int:
    """Hash to 64 bits; neighbouring inputs give unrelated noise. Without a question's id it is not part of the hash."""
    packed = struct.pack("<qqq", sampling.seed, sampling.sample_index, step)
    packed += sampling.question_id.encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "little", signed=True)
