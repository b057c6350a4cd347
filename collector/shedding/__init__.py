"""How near the log and the disks are to full, and what is still taken then."""
