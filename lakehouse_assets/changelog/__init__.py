"""What happened: how a change is read from its message, ordered by position, and folded into the current state.

Everything here is Spark SQL text made from the catalog: no session, no clock, no I/O.
"""
