"""Measurements, run by hand with `make bench-*`: figures are ratios within one run, never assertions."""
