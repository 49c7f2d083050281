"""The Learn tab: its Python, scripts, styles and markup."""
