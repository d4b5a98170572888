"""The page that leads to every report."""
