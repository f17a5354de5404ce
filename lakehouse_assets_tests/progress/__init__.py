"""Tests of progress: lag, sync, verification."""
