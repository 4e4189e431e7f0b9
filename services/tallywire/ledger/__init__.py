"""The totals and the per-station records behind them."""
