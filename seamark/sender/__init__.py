"""What a sender needs: where to send and as whom, and whether its alerts arrive."""
