"""Video and skeleton files in, frames and joints in seconds out."""
