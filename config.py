"""Settings from the environment, validated."""
