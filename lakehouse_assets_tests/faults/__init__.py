"""Faults at a real stack under traffic, drawn at random: after each one the lake must equal the source again."""
