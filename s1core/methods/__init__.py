"""Methods of test-time scaling, each an object that runs on an engine: `read_methods("early-exit:every=16")`.

What they do, with formulas and sources: `docs/methods.md`. Conditional control, rejection sampling and majority vote
are also functions, with results of their own.
"""

from s1core.methods.adaptive_vote import AdaptiveVote, posterior
from s1core.methods.base import Method, OnEvent, Outcome, Spent, one_by_one, side_by_side
from s1core.methods.best_of_n import BestOfN
from s1core.methods.control import Asking, Control, Controlled, acontrolled, asked_label, controlled
from s1core.methods.early_exit import EarlyExit
from s1core.methods.forcing import NATURAL, Forcing
from s1core.methods.no_wait import NoWait
from s1core.methods.read import METHODS, read_method, read_methods
from s1core.methods.rebase import Rebase
from s1core.methods.rejection import (
    Rejection,
    RejectionSampling,
    arejection_sampling,
    rejection_label,
    rejection_sampling,
)
from s1core.methods.rewards import PROBABILITY, load_reward
from s1core.methods.scores import RewardModel, Scores
from s1core.methods.tree import Node, shares
from s1core.methods.vote import (
    Ballot,
    MajorityVote,
    Vote,
    amajority_vote,
    majority,
    majority_vote,
    tally,
    vote_label,
)

__all__ = [
    "METHODS",
    "NATURAL",
    "PROBABILITY",
    "AdaptiveVote",
    "Asking",
    "Ballot",
    "BestOfN",
    "Control",
    "Controlled",
    "EarlyExit",
    "Forcing",
    "MajorityVote",
    "Method",
    "NoWait",
    "Node",
    "OnEvent",
    "Outcome",
    "Rebase",
    "Rejection",
    "RejectionSampling",
    "RewardModel",
    "Scores",
    "Spent",
    "Vote",
    "acontrolled",
    "amajority_vote",
    "arejection_sampling",
    "asked_label",
    "controlled",
    "load_reward",
    "majority",
    "majority_vote",
    "one_by_one",
    "posterior",
    "read_method",
    "read_methods",
    "rejection_label",
    "rejection_sampling",
    "shares",
    "side_by_side",
    "tally",
    "vote_label",
]
