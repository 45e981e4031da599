"""`make bench`: how fast the product is, as ratios to an empty view on the same server in the same run."""
