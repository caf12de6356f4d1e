"""The paper broker over this database: rows of its own, which it commits by itself, and the stored market."""
