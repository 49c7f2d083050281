"""Engines by model name, loaded on demand."""
