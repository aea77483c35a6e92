"""TMNet's one glance, live: on a camera, or on a file that is played as a stream."""
