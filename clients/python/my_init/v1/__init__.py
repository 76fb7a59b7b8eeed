"""The messages of the API, generated from proto/my_init/v1 by clients/generate."""
