"""Curation: from tens of thousands of questions to a thousand; restartable, priced beforehand, every rejection named.

Reading order: `rows.py` (what travels), `pipeline.py` (the ordered stages), `stages/`, `select.py`, `render.py`,
`claude/` (asking without asking twice), `run.py` (the command line).
"""
