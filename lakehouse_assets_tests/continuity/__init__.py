"""Whether the stream is still the one the lake was made from."""
