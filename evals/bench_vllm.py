"""`python -m evals.bench_vllm`: the vLLM engine against its bars."""

import sys

from evals.bench.vllm import main

if __name__ == "__main__":
    sys.exit(main())
