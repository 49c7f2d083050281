"""The Train tab: its Python, scripts, styles and markup."""
