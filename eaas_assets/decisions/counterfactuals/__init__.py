"""What would change a decision: the smallest single changes of evidence or of a rule's bound that flip it."""
