"""The playground: a page that shows test-time scaling as it happens. Start reading at `build.py`."""
