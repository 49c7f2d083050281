"""`python -m evals.bench`: the transformers engine and the sweep against their bars."""

import sys

from evals.bench.transformers import main

if __name__ == "__main__":
    sys.exit(main())
