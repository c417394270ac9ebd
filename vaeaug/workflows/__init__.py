"""One module a command: the only place where rooms are joined."""
