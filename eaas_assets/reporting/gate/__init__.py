"""What the release gate tells a CI job: lines, a Markdown summary, JUnit XML."""
