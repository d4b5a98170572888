"""Approvals: who must agree to a decision, who asks to, what is refused and why, and what state that leaves it in."""
