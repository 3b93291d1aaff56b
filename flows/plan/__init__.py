"""The plan of a build: its faults, prompts and hours, before anything is embedded or asked."""
