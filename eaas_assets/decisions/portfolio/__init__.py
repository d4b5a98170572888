"""All experiments side by side: what each is worth after luck and risk are taken off, and who gets the next dollar.

Every module holds one idea and works on plain values. ``entries`` reads experiments out of the tables, ``record`` says
what they teach (with ``shrinkage``, ``rates`` and ``priors``), ``valuing`` brings together what each is worth, and
``tables`` writes the rows of ExperimentPortfolio and PortfolioSummary.
"""
