"""What every document and every table must look like: pydantic for documents, pandera for tables."""
