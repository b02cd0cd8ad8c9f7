"""EFFECTS: the only code that talks to other systems."""
