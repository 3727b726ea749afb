-- Expand, then contract. The same names and columns exist for both databases; a test compares them.

create table workspace (
  workspace_id bigint not null,
  name text collate "C" not null unique,
  secret bytea not null,
  partitions bigint not null,
  time_zone text collate "C" not null,
  created_us bigint not null,
  primary key (workspace_id)
);

create table api_token (
  token_id text collate "C" not null,
  workspace_id bigint not null,
  secret_hash bytea not null,
  name text collate "C" not null,
  scopes text collate "C" not null,
  created_us bigint not null,
  expires_us bigint,
  revoked_us bigint,
  primary key (token_id)
);

create table source (
  workspace_id bigint not null,
  source_no bigint not null,
  source_id text collate "C" not null,
  write_key_hash bytea not null unique,
  sensors_project text collate "C",
  origins text collate "C" not null,
  events_per_second bigint not null,
  priority bigint not null,
  grade text collate "C" not null,
  is_enabled bigint not null,
  created_us bigint not null,
  primary key (workspace_id, source_no),
  unique (workspace_id, source_id)
);
