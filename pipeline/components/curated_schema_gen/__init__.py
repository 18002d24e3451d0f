"""CuratedSchemaGen imports a schema that people maintain, instead of an inferred one."""
