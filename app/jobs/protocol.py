"""What the registry and a job's own process agree on: file names in the job's folder, its marker and the start word."""

from __future__ import annotations

MARK = "S1_JOB"
"""Set to the job's folder for all that it starts."""
EXIT = "exit.json"
UNCONFIRMED = "unheard"
"""Marker: the launcher died before confirming the start."""
GO = b"go\n"
"""The confirmation: sent by the registry once `job.json` names this process; without it nothing is started."""
