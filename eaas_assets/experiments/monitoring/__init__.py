"""Running experiments, watched: every number here may be read every night without crying wolf more often.

rows          monitoring_rows: the rows of one experiment
watch         what all checks share: the plan, the looks, what forbids an effect
sample_ratio  do the arms hold what the allocation says?
effects       confidence sequences of every metric; early harm of guardrails
drift         does the control arm's metric move over time?
novelty       does the effect fade?
segments      is a declared segment harmed?
pairs         paired experiments: the effect so far, and harm of guardrails
progress      days to the planned sample
cumulative, estimates, boundary   moments, arm values and limits at many looks at once
"""
