"""Finds coronary calcium in routine chest CTs; see README.md for the rooms."""
