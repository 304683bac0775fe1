"""Electronic mail: the line to the server, addresses, and the reading of what mail systems report."""
