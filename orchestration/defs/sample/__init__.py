"""Sample: exact counts first, then the rows worth looking at."""
