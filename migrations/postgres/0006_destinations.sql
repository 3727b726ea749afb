-- Where what is known is sent. A definition: changed by commands of the log alone.
create table destination (
  workspace_id bigint not null,
  destination_no bigint not null,
  destination_id text collate "C" not null,
  version bigint not null,
  name text collate "C" not null,
  definition text collate "C" not null,
  is_paused bigint not null,
  is_archived bigint not null,
  actor text collate "C" not null,
  created_us bigint not null,
  changed_us bigint not null,
  primary key (workspace_id, destination_no)
);
create unique index destination_id on destination (workspace_id, destination_id);

-- Credentials of destinations, sealed. No command holds one.
create table destination_secret (
  workspace_id bigint not null,
  secret_id text collate "C" not null,
  name text collate "C" not null,
  sealed bytea not null,
  previous bytea not null,
  previous_until_us bigint not null,
  actor text collate "C" not null,
  created_us bigint not null,
  changed_us bigint not null,
  primary key (workspace_id, secret_id)
);

-- Who serves a destination, under which epoch, and how it does.
create table destination_run (
  workspace_id bigint not null,
  destination_no bigint not null,
  epoch bigint not null,
  owner text collate "C" not null,
  lease_us bigint not null,
  failures bigint not null,
  retry_us bigint not null,
  success_us bigint not null,
  failure_us bigint not null,
  failure text collate "C" not null,
  delivered bigint not null,
  blocked bigint not null,
  dead bigint not null,
  primary key (workspace_id, destination_no)
);

-- Up to where a destination has accounted for a ledger.
create table destination_cursor (
  workspace_id bigint not null,
  destination_no bigint not null,
  ledger text collate "C" not null,
  seq bigint not null,
  claimed_seq bigint not null,
  primary key (workspace_id, destination_no, ledger)
);

-- What became of each change at each destination: sent, waiting, given up, held back.
create table delivery (
  workspace_id bigint not null,
  destination_no bigint not null,
  ledger text collate "C" not null,
  seq bigint not null,
  party_key bytea not null,
  is_present bigint not null,
  state text collate "C" not null,
  attempts bigint not null,
  first_us bigint not null,
  last_us bigint not null,
  retry_us bigint not null,
  code bigint,
  latency_us bigint not null,
  reason text collate "C" not null,
  primary key (workspace_id, destination_no, ledger, seq)
);
create index delivery_latest on delivery (workspace_id, destination_no, last_us, ledger, seq);
create index delivery_state on delivery (workspace_id, destination_no, state, retry_us);
create index delivery_party on delivery (workspace_id, destination_no, ledger, party_key);

-- Whom a destination may hold something of, because it was sent or tried.
create table destination_holding (
  workspace_id bigint not null,
  destination_no bigint not null,
  ledger text collate "C" not null,
  party_key bytea not null,
  at_us bigint not null,
  primary key (workspace_id, destination_no, ledger, party_key)
);

alter table destination enable row level security;
alter table destination force row level security;
create policy own_workspace on destination
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table destination_secret enable row level security;
alter table destination_secret force row level security;
create policy own_workspace on destination_secret
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table destination_run enable row level security;
alter table destination_run force row level security;
create policy own_workspace on destination_run
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table destination_cursor enable row level security;
alter table destination_cursor force row level security;
create policy own_workspace on destination_cursor
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table delivery enable row level security;
alter table delivery force row level security;
create policy own_workspace on delivery
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table destination_holding enable row level security;
alter table destination_holding force row level security;
create policy own_workspace on destination_holding
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
