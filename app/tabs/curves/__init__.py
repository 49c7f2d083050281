"""The Curves tab: its Python, scripts, styles and markup."""
