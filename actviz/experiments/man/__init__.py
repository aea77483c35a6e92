"""Experiments of MAN's paper: what it printed, and what is measured here."""
