"""What the commands of `eaas` do: run jobs without a UI, ask the gate, approve, verify, replay; and what they print.

The arguments of `run`, `gate` and `ui` are in ``cli``, those about decisions in `decision_commands`. Whatever a command
works out is worked out by the same assets and functions as in the Dagster UI.
"""
