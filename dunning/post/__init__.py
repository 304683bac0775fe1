"""Paper post: what is printed, what is exchanged with the printer, what comes back."""
