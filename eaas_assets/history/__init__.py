"""Old and new runs as one history: read, doubted, compared with a baseline and the run before, followed over time."""
