"""What runs leave on disk, and more than one tab reads."""
