-- Run once by the image of PostgreSQL, as its superuser, when compose makes the database: the role that owns it
-- and migrates, and the role that the site runs as. `migrate` grants the second what it needs.
\set owner_password `cat /run/jax/owner_password`
\set site_password `cat /run/jax/site_password`
CREATE ROLE jax_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE jax_site LOGIN PASSWORD :'site_password';
ALTER DATABASE jax OWNER TO jax_owner;
