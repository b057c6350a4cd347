"""Inputs that failed once, from public bug reports and from attacks; each stands for a kind."""
