"""Is the design sound, before and during the experiment? One row per check, and a grade with its reasons.

rows        design_rows: the rows of one experiment
finding     the shape of a finding
grade       from findings to a letter: the one rule
sample      enough units, in a sensible time
assignment  who came into which arm;  balance  covariates before the treatment
groups      comparison units and periods of rollouts, pairs of replays
metrics     what is measured fits what is believed;  guardrails  what must not get worse
data        what is wrong with the observations;  values  what is missing in them
calendar    weeks, novelty, days without data
conditions  blockers, interference, changes while it ran
neighbours  other experiments on the same population, or with the same hypothesis
"""
