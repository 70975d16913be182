"""Films coloured from references: matched at anchor frames, and carried by optical flow in between."""
