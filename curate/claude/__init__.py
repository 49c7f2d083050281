"""Asking Claude many small questions: priced before it spends, capped while it does, and never asked twice.

Reading order: `tasks.py` (what is asked and how an answer is read), `prices.py`, `journal.py` (what is on disk),
`requests.py` (one request, its faults), `live.py` and `batches.py` (two ways to ask many), `client.py` (all together).
"""
