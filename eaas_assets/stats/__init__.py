"""Pure statistics over arrays or sufficient statistics: no I/O, no pandas, no knowledge of agents or tables."""
