"""Tags of customers: a catalogue of rules as data, their small language, and the values with confidence and reasons."""
