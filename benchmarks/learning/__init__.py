"""Section `learning`: what trainings on real images reach."""
