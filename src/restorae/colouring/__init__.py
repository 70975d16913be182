"""Colours copied from references: grey images are matched to coloured ones, and take over their chroma."""
