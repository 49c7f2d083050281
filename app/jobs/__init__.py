"""Command lines that run as jobs and outlive the server."""
