"""Where pushed models go on Vertex: the Model Registry, an Endpoint; and how both go back to an older one."""
