"""Predictions as functions on arrays: no tables, no settings, no clock.

numpy and scikit-learn are heavy: who answers web requests imports nothing of this package but `drift` words and
shapes; the estimators are imported where they fit and predict.
"""
