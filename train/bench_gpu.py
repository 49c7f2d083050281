"""`python -m train.bench_gpu`: fine-tuning on a GPU."""

import sys

from train.bench.gpu import main

if __name__ == "__main__":
    sys.exit(main())
