"""See what action-recognition models remember and attend to."""

__version__ = "0.1.0"
