"""Commands about decisions: what they ask and print. What they do is done in `decisions`, as for the UI."""
