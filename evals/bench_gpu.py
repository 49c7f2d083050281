"""`python -m evals.bench_gpu`: the transformers engine on a GPU."""

import sys

from evals.bench.gpu import main

if __name__ == "__main__":
    sys.exit(main())
