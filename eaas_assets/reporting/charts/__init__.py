"""Pictures: finished numbers become inline SVG. How a figure becomes part of a page is ``reporting.svg``."""
