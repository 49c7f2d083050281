"""Curated sets on disk: funnel, rows, rejections and lengths."""
