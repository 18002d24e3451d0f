"""The serving folder: lists its versions, publishes a new one as a whole, and rolls back to an older one."""
