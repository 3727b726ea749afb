-- Audiences: what people defined, who is in them, and every entering and leaving.
create table audience (
  workspace_id bigint not null,
  audience_no bigint not null,
  audience_id text collate "C" not null,
  version bigint not null,
  name text collate "C" not null,
  mode text collate "C" not null,
  rule text collate "C" not null,
  is_archived bigint not null,
  actor text collate "C" not null,
  created_us bigint not null,
  changed_us bigint not null,
  filled_no bigint,
  last_seq bigint not null,
  member_count bigint not null,
  primary key (workspace_id, audience_no)
);
create unique index audience_id on audience (workspace_id, audience_id);

-- Every version of a definition there ever was.
create table audience_version (
  workspace_id bigint not null,
  audience_no bigint not null,
  version bigint not null,
  name text collate "C" not null,
  rule text collate "C" not null,
  actor text collate "C" not null,
  at_us bigint not null,
  primary key (workspace_id, audience_no, version)
);

create table membership (
  workspace_id bigint not null,
  party_no bigint not null,
  audience_no bigint not null,
  since_us bigint not null,
  party_key bytea not null,
  primary key (workspace_id, party_no, audience_no)
);
create index membership_audience on membership (workspace_id, audience_no, party_no);

-- The ledger: who entered and left, in order, each change once.
create table membership_change (
  workspace_id bigint not null,
  audience_no bigint not null,
  seq bigint not null,
  party_no bigint not null,
  party_key bytea not null,
  is_member bigint not null,
  at_us bigint not null,
  version bigint not null,
  cause text collate "C" not null,
  evidence text collate "C" not null,
  primary key (workspace_id, audience_no, seq)
);

-- When the passage of time alone may change what is true of a party.
create table timer (
  workspace_id bigint not null,
  party_no bigint not null,
  due_us bigint not null,
  primary key (workspace_id, party_no)
);
create index timer_due on timer (workspace_id, due_us);

-- Until when each partition has looked at what time changes.
create table evaluated (
  workspace_id bigint not null,
  partition_no bigint not null,
  until_us bigint not null,
  primary key (workspace_id, partition_no)
);

alter table audience enable row level security;
alter table audience force row level security;
create policy own_workspace on audience
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table audience_version enable row level security;
alter table audience_version force row level security;
create policy own_workspace on audience_version
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table membership enable row level security;
alter table membership force row level security;
create policy own_workspace on membership
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table membership_change enable row level security;
alter table membership_change force row level security;
create policy own_workspace on membership_change
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table timer enable row level security;
alter table timer force row level security;
create policy own_workspace on timer
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table evaluated enable row level security;
alter table evaluated force row level security;
create policy own_workspace on evaluated
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

-- Which events of a batch are whose, until the lake has them. The events themselves are in the log.
create table lake_feed (
  workspace_id bigint not null,
  partition_no bigint not null,
  position bigint not null,
  from_offset bigint not null,
  to_offset bigint not null,
  body bytea not null,
  primary key (workspace_id, partition_no, position)
);

alter table lake_feed enable row level security;
alter table lake_feed force row level security;
create policy own_workspace on lake_feed
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
