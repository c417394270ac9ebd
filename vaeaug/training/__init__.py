"""The loop, its schedules, its checkpoints."""
