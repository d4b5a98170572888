"""The cases of `benchmarks/calibration.py`: data whose truth is known, and the estimators put to it."""
