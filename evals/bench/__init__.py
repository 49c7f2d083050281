"""Benchmarks of engines and sweeps, as ratios taken side by side in one run."""
