"""How far each table has come, from the source's commit to the refined tables, and waiting until all of it has."""
