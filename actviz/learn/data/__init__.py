"""What a training reads: frames and joints of a data set, stored, sampled and varied."""
