"""Supervised fine-tuning: configuration, data, the training loop and checkpoints."""
