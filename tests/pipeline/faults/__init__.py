"""Faults of a finished smoke study: kills, full disks, two runs at once, a dead rank, a clock set back.

``python -m tests.pipeline.faults`` (``make faults``) tries many; tests/pipeline/smoke/test_faults.py a few.
Each raises Fault where a study is not as it was, or more or less than a line was said.
"""
