"""Everything that vendors do wrong, at once, against the whole site: see test_everything."""
