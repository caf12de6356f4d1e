"""A month of random trading at a broker's counterpart, and its books kept a second time apart from Jax."""
