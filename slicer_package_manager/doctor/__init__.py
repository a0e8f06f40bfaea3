"""Find damage in an installation, report what to do, and repair what can be repaired without a loss."""
