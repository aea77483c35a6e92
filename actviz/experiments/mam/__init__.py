"""MAM's tables and figure (Yuan et al., AAAI 2019), and what the paper argues but does not show."""
