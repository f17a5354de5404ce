"""Tests that say what the platform promises; those about services run against real ones."""
