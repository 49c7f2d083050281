"""The making of s1-nano: training text, model, training loop, export."""
