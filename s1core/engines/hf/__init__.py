"""The transformers engine: continuous batching over a KV cache with prefix reuse."""
