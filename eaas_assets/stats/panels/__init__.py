"""Effects from panels and series that nobody randomised: arrays in, one result shape out.

Four designs, strongest first: `did` (one adoption date, many units), `staggered` (several dates),
`synthetic_control` (few treated units), `before_after` (one series, no control). `placebo` holds what they share
to test themselves. No tables, no files, no decisions: those are made above this package.
"""
