"""What this machine has, asked without any library."""

from __future__ import annotations

import os
from pathlib import Path


def free_memory_bytes() -> int:
    """Main memory that may still be allocated; half of all where the system does not say, 8 GiB where nothing does."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass  # macOS has no such file
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError, AttributeError):
        return 8 * 2**30
