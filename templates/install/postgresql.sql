-- Read at each start by prolo-postgresql.service; what is so already stays.
\set ON_ERROR_STOP on
select 'create role <%= it.role %> login' where not exists (select from pg_roles where rolname = '<%= it.role %>') \gexec
select 'create database <%= it.database %> owner <%= it.role %> encoding ''UTF8'' template template0'
  where not exists (select from pg_database where datname = '<%= it.database %>') \gexec
-- An answer of prolo is on the disk before it is given.
alter system set synchronous_commit = 'on';
alter system set log_min_duration_statement = '500ms';
alter system set log_lock_waits = 'on';
select pg_reload_conf();
