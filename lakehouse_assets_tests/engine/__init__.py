"""The engine over real Delta tables: the folds, the positions, the business tables and the reader."""
