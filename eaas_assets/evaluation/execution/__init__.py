"""Ask an agent every question of a plan, keep every answer, seal the run. Facts only: nothing is judged here."""
