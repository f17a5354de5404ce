"""The pages, each a `show()` that asks `data` or `state` and lays out what it gets."""
