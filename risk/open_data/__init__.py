"""Asking public services over HTTP: with patience, without following them anywhere."""
