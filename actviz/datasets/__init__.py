"""Data sets by name: the papers' own, anyone's folder or CSV, and the puppets made here."""
