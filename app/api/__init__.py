"""`/v1` and the tools for agents: what other programs ask for, read and answered."""
