"""The asv suite of the reference workload.

A class may define ``outcome(self, *params)``: one line that says what the benchmark did. perfkit
compares times only where outcomes are equal; asv ignores it.

asv_runner runs ``setup`` again before every timed call, so what must stay warm is kept by the
process, not by the benchmark's instance.
"""
