"""What all experiments together teach: how often a kind of change works, how much it brings, for whom, and how sure.

``rates`` counts, ``priors`` says what to expect of the next experiment, ``segments`` for whom; ``tables`` writes the
rows of LearningSummaries.
"""
