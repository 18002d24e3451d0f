"""CuratedSchemaGen: a schema that people keep, in place of an inferred one."""
