"""Runs that other programs wrote, turned into runs of ours: lm-eval's samples and inspect's logs.

Every importer reads in a stream, says in one sentence what it could not use, and imports the rest.
"""
