"""Client retries, removed from what a sink is given by what stood in the log before."""
