"""What can be known of a recipe before anything is embedded or asked: its faults, its prompts, its
hours.
"""
