-- Tags, scores and stages as they are defined, and how far each is filled.
create table tag (
  workspace_id bigint not null,
  tag_no bigint not null,
  tag_key text collate "C" not null,
  version bigint not null,
  role text collate "C" not null,
  kind text collate "C" not null,
  body text collate "C" not null,
  is_retired bigint not null,
  actor text collate "C" not null,
  created_us bigint not null,
  changed_us bigint not null,
  filled_no bigint,
  last_seq bigint not null,
  value_count bigint not null,
  run_no bigint not null,
  primary key (workspace_id, tag_no)
);
create unique index tag_key on tag (workspace_id, tag_key);

-- Every definition there ever was.
create table tag_version (
  workspace_id bigint not null,
  tag_no bigint not null,
  version bigint not null,
  body text collate "C" not null,
  actor text collate "C" not null,
  at_us bigint not null,
  primary key (workspace_id, tag_no, version)
);

-- What each party's tags are now. A value is JSON; `computed` is what the definition says where people say
-- otherwise.
create table tag_value (
  workspace_id bigint not null,
  party_no bigint not null,
  tag_no bigint not null,
  value text collate "C" not null,
  computed text collate "C",
  source text collate "C" not null,
  since_us bigint not null,
  expires_us bigint,
  version bigint not null,
  reasons text collate "C" not null,
  party_key bytea not null,
  primary key (workspace_id, party_no, tag_no)
);
create index tag_value_tag on tag_value (workspace_id, tag_no, value, party_no);

-- The ledger: every value that came, changed or went, in order, each change once.
create table tag_change (
  workspace_id bigint not null,
  tag_no bigint not null,
  seq bigint not null,
  party_no bigint not null,
  party_key bytea not null,
  value text collate "C",
  before text collate "C",
  at_us bigint not null,
  version bigint not null,
  cause text collate "C" not null,
  reasons text collate "C" not null,
  primary key (workspace_id, tag_no, seq)
);
create index tag_change_party on tag_change (workspace_id, party_no, tag_no, seq);

-- What people, other systems and queries say, under the identifier they said it of. Run 0 is people's word.
create table tag_assignment (
  workspace_id bigint not null,
  tag_no bigint not null,
  node_no bigint not null,
  run_no bigint not null,
  at_us bigint not null,
  key bytea not null,
  value text collate "C",
  expires_us bigint,
  source text collate "C" not null,
  actor text collate "C" not null,
  primary key (workspace_id, tag_no, node_no, run_no, at_us, key)
);
create index tag_assignment_node on tag_assignment (workspace_id, node_no);

-- What is known of everybody together, as models want it: each version as it was put.
create table constant (
  workspace_id bigint not null,
  name text collate "C" not null,
  version bigint not null,
  body text collate "C" not null,
  actor text collate "C" not null,
  at_us bigint not null,
  primary key (workspace_id, name, version)
);

alter table tag enable row level security;
alter table tag force row level security;
create policy own_workspace on tag
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table tag_version enable row level security;
alter table tag_version force row level security;
create policy own_workspace on tag_version
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table tag_value enable row level security;
alter table tag_value force row level security;
create policy own_workspace on tag_value
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table tag_change enable row level security;
alter table tag_change force row level security;
create policy own_workspace on tag_change
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table tag_assignment enable row level security;
alter table tag_assignment force row level security;
create policy own_workspace on tag_assignment
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table constant enable row level security;
alter table constant force row level security;
create policy own_workspace on constant
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
