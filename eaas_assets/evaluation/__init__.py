"""Run scenarios through agents (facts), score them (measures) and roll them up (summaries); never all at once."""
