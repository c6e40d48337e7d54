-- Read at each start by prolo-postgresql.service; what is so already stays.
\set ON_ERROR_STOP on
select 'create role <%= it.role %> login' where not exists (select from pg_roles where rolname = '<%= it.role %>') \gexec
select 'create database <%= it.database %> owner <%= it.role %> encoding ''UTF8'' template template0'
  where not exists (select from pg_database where datname = '<%= it.database %>') \gexec
-- By its socket the kernel says who somebody is: prolo's daemons, and root, are that role.
select current_setting('hba_file') as hba, current_setting('ident_file') as ident \gset
\setenv HBA :hba
\setenv IDENT :ident
\! grep -qx 'local <%= it.database %> <%= it.role %> peer map=prolo' "$HBA" || sed -i '1i local <%= it.database %> <%= it.role %> peer map=prolo' "$HBA"
\! for user in root <%= it.user %>; do grep -qx "prolo $user <%= it.role %>" "$IDENT" || echo "prolo $user <%= it.role %>" >>"$IDENT"; done
-- An answer of prolo is on the disk before it is given.
alter system set synchronous_commit = 'on';
alter system set log_min_duration_statement = '500ms';
alter system set log_lock_waits = 'on';
select pg_reload_conf();
