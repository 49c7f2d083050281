"""Series of cached and imported evals, and the runs behind them."""
