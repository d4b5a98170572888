"""All experiments side by side: what each is worth after luck and risk are taken off, and who gets the next dollar.

Every module holds one idea and works on plain values; ``entries`` reads them out of the tables and ``tables`` writes
the rows of ExperimentPortfolio and PortfolioSummary.
"""
