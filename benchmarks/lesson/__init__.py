"""Sections against the Keras lesson: speed, quality and the variational auto-encoder."""
