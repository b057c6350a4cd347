"""What the log cannot take now, kept on disk in order, and given to it later, exactly once."""
