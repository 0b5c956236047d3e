"""The schema in a database: install, upgrade, repair and remove it, under any name."""
