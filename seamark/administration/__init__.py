"""Administration from the command line: one command at a time, or a file that declares it all."""
