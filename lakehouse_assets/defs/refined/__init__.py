"""The business tables: one SQL file each, and the assets made of them."""
