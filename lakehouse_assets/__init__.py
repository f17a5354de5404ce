"""PostgreSQL changes, carried to a Delta lake that is proven equal to its source."""
