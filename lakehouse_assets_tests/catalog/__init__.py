"""What the catalog accepts, and what it says about what it does not accept."""
