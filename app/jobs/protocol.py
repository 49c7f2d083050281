"""What the registry and a job's own process agree on: file names in the job's folder, its marker and the start word."""

from __future__ import annotations

MARK = "S1_JOB"
"""Set to the job's folder for all that it starts."""
EXIT = "exit.json"
UNCONFIRMED = "unheard"
"""Is there when the word never came: whoever was to give it was killed."""
GO = b"go\n"
"""Read from the registry once `job.json` names this process; without it nothing is started."""
