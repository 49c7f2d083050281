"""The OpenAI-compatible API and the tools for agents."""
