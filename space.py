"""What a Hugging Face Space and the Dockerfile start: the playground for everybody, on port 7860.

Run from the repository's own folder; nothing of it needs to be installed. `app/hosting.py` says what the environment
may choose.
"""

from __future__ import annotations

import sys

from app.hosting import main

if __name__ == "__main__":
    sys.exit(main())
