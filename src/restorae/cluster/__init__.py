"""Restoring on several workers, and files in object stores: Ray Data and fsspec around the same `restore_files`."""
