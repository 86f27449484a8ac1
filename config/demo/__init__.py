"""A programme to look at: JD's defaults, invented members and a year of invented orders. All of it from one seed."""
