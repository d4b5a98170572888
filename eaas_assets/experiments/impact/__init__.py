"""What an experiment changed: one shape of result for every design, refusals included.

dispatch       the order of the steps: impact_rows
obstacles      what forbids every estimate of an experiment
randomised, pairing, rollout, before_after  one design each: which estimator fits
paired, paired_looks   pairs at the end, and before it
answers        the one shape they all answer in
corrections    p-values over arms and secondary metrics
judging        good direction, minimum effect, margin, verdict
sizes          detectable effect, units needed;  worth  money;  segments  who gains, who is harmed
statements, wording   one sentence per row;  rows  columns of the tables
"""

from eaas_assets.experiments.impact.dispatch import impact_rows, refused_rows

__all__ = ["impact_rows", "refused_rows"]
