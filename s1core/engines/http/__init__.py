"""Engine for servers with an OpenAI-compatible completions endpoint."""
