"""What a person or a clock starts: command line, jobs and the wiring of a workspace."""
