"""TMNet's tables and figures (Liu et al., IEEE Access 2020), measured."""
