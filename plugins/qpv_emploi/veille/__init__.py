"""What to look at between two runs: what is late, what is new, what is damaged, what may be removed."""
