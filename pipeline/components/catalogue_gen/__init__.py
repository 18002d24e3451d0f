"""CatalogueGen writes one Example per item: all items of the catalogue, and the items that only the log has."""
