"""What a value means: the rules of values against worked examples."""
