"""The part `film` of the measurements: how well damaged films are cleaned."""
