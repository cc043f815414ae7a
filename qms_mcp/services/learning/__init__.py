"""The improvement loop: what agents did is rated, and better versions of them are made, proved and rolled out."""
