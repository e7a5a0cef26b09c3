"""Load that does not hide stalls: an open-loop generator, its record, and a judgement of it.

``arrivals`` says when each request is due, ``drive`` sends them and keeps what happened,
``senders`` speak to a server, ``judge`` compares the record with objectives.
"""
