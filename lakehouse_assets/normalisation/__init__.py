"""What a value means: how the text of a message becomes a typed value, or a reason why not."""
