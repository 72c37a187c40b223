"""Where a published figure or pain point comes from, told from a role's file and nothing else."""
