"""Estimates whether a fine-tuning fits on the given hardware, and how long it takes."""
