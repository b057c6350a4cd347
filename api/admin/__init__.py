"""Administration: orgs, apps, keys, tokens, and the record of what was changed."""
