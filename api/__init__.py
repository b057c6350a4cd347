"""Questions and administration over HTTP."""
