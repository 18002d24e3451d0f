"""What a pipeline keeps: its runs, the versions in the serving folder, and the models they hold."""
