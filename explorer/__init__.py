"""The explorer: three models on one clip under one time cursor. ``actviz explorer`` opens it."""
