"""A plugin for napari: restore a layer, and train on layers. napari is imported in functions only."""
