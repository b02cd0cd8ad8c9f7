"""PURE: translators toward people. The only place with words for people and Block Kit."""
