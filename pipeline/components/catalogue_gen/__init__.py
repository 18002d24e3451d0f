"""CatalogueGen: the catalogue as one Example per item, with the interacted items that it lacks."""
