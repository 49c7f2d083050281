"""The Think tab: its Python, scripts, styles and markup."""
