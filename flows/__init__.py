"""Prefect, Dask and the command line; composes the rooms and does no arithmetic."""
