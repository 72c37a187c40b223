"""`make bench`: speed, memory and quality of the product, measured within one run."""
