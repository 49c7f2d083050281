"""The Curate tab: its Python, scripts, styles and markup."""
