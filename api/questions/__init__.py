"""One file per kind of question: decoded request in, encoded answer out."""
