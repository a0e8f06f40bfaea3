"""A repository of GitHub, or GitHub Enterprise, by its REST API: commits and assets of releases, without a clone."""
