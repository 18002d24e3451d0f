"""RegistryPusher registers the pushed model as a version in the Model Registry, on Vertex only."""
