"""What all experiments together teach, for people and for the next design: what worked, for whom, and how sure.

``segments`` says for whom; ``tables`` writes the rows of LearningSummaries. How often a kind works and what its effects
are like stands in `portfolio` (``record``, ``rates``, ``priors``), where proposals are valued by it.
"""
