"""Tests of the embedded stack: its parts alone, then the whole of it, real."""
