"""Numbers for readers of Chinese: grouped by thousands, as shops write them."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
