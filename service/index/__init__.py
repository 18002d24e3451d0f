"""An index of embeddings, for catalogues so large that comparing a query with every item costs too much."""
