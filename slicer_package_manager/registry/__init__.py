"""What the registry knows and does, on top of Girder's models and apart from HTTP."""
