"""The DVR: clock, pacing, merge, handoff, session and protocol, as plain values and functions.

A `Session` is told what a viewer asks (commands) and what the world reports (facts), each with the
time it came in, and answers with what is to be done (effects). Nothing here waits, reads or writes.
"""
