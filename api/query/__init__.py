"""Questions: request -> plan -> SQL. Pure; one file per question."""
