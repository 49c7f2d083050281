"""How s1-135M is made of SmolLM2-135M-Instruct: what its base is taught first, and what is published of it."""
