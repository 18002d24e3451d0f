"""What every layer above stands on: folders, terminal, files, artifact types."""
