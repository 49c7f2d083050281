"""s1 test-time scaling: budget forcing, streamed, with a receipt.

>>> from s1core import Budget, Sampling, load_engine, solve
>>> engine = load_engine("s1-nano")
>>> trace = solve(engine, "How many r in raspberry?", Budget(max_thinking_tokens=256, waits=1))
>>> trace.answer
'3'

Importing this loads neither torch nor any model library; `load_engine` does, when an engine needs it.
"""

from s1core.budget import Budget
from s1core.engines import load_engine
from s1core.errors import S1Error
from s1core.fork import fork
from s1core.probe import probe
from s1core.solve import astream, solve, stream
from s1core.steering import Steering
from s1core.sweep import sweep
from s1core.types import Event, Receipt, Sampling, Segment, Trace

__all__ = [
    "Budget",
    "Event",
    "Receipt",
    "S1Error",
    "Sampling",
    "Segment",
    "Steering",
    "Trace",
    "astream",
    "fork",
    "load_engine",
    "probe",
    "solve",
    "stream",
    "sweep",
]
