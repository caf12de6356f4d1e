"""Whether Jax does its work: its processes, its data, and what tells a person or a monitor so."""
