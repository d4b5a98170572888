"""Stage *evaluation*: plan, execute, score and sum up one run of one agent version."""
