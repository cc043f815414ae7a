"""Resources: one file each, found by its `install`."""
