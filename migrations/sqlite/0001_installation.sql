-- Expand, then contract. The same names and columns exist for both databases; a test compares them.

create table workspace (
  workspace_id integer not null,
  name text not null unique,
  secret blob not null,
  partitions integer not null,
  time_zone text not null,
  created_us integer not null,
  primary key (workspace_id)
) without rowid;

create table api_token (
  token_id text not null,
  workspace_id integer not null,
  secret_hash blob not null,
  name text not null,
  scopes text not null,
  created_us integer not null,
  expires_us integer,
  revoked_us integer,
  primary key (token_id)
) without rowid;

create table source (
  workspace_id integer not null,
  source_no integer not null,
  source_id text not null,
  write_key_hash blob not null unique,
  sensors_project text,
  origins text not null,
  events_per_second integer not null,
  priority integer not null,
  grade text not null,
  is_enabled integer not null,
  created_us integer not null,
  primary key (workspace_id, source_no),
  unique (workspace_id, source_id)
) without rowid;
