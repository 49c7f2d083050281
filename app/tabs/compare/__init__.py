"""The Compare tab: its Python, scripts, styles and markup."""
