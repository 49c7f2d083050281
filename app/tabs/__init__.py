"""One module per tab: layout, then handlers, then wiring."""
