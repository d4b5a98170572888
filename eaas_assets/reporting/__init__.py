"""Reports: finished tables laid out for people. Nothing here measures, compares or decides by numbers of its own."""
