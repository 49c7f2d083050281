"""Starts fine-tuning in several processes, here or by Slurm."""
