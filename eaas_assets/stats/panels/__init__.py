"""Effects from panels and series that nobody randomised: arrays in, one result shape (`effect.PanelEffect`) out.

Designs: `did` (one adoption date, many units), `group_time` and `staggered` (several dates), `synthetic_control` (few
treated units), `before_after` (one series, no control; the weakest). Each names its assumptions, tests itself where
nothing happened (leads, placebo dates, placebo units) and refuses with a code what it cannot promise. No tables, no
files, no decisions: those are made above this package.
"""
