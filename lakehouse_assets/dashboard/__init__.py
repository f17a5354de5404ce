"""The page of the platform: what the business tables say, how good the values are, how fresh they are."""
