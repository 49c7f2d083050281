"""One forward pass: generic, fused for Qwen2-shaped models, or replayed as a CUDA graph."""
