"""Looking at a component from outside, on a schedule: does it answer, and how fast?

What a probe finds is a call of its component in the telemetry store, so objectives, alerts and
dashboards see it as they see the calls that the application records.
"""
