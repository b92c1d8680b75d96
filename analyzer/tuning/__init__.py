"""Past windows against thresholds: what is read of their states, their distance from a baseline, what is usual."""
