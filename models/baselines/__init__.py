"""What the three models are compared with: one file per family."""
