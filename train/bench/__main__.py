"""`python -m train.bench`: the memory of the loss, whole and in chunks."""

import sys

from train.bench.loss_memory import main

if __name__ == "__main__":
    sys.exit(main())
