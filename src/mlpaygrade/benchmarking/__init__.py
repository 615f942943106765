"""An employer's rows against the market."""
