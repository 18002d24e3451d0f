"""RegistryPusher: what the Pusher pushed becomes a version in the Model Registry, on Vertex alone."""
