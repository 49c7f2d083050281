"""Benchmarks, runs, and the tables and figures made of them. Imports s1core alone."""
