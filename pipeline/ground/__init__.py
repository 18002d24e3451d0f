"""What every layer above uses: folders, terminal, files, artifact types, the base of components."""
