"""What is counted over all checked rows of a day before anything is sampled."""
