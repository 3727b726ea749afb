-- Tags, scores and stages as they are defined, and how far each is filled.
create table tag (
  workspace_id integer not null,
  tag_no integer not null,
  tag_key text not null,
  version integer not null,
  role text not null,
  kind text not null,
  body text not null,
  is_retired integer not null,
  actor text not null,
  created_us integer not null,
  changed_us integer not null,
  filled_no integer,
  last_seq integer not null,
  value_count integer not null,
  run_no integer not null,
  primary key (workspace_id, tag_no)
) without rowid;
create unique index tag_key on tag (workspace_id, tag_key);

-- Every definition there ever was.
create table tag_version (
  workspace_id integer not null,
  tag_no integer not null,
  version integer not null,
  body text not null,
  actor text not null,
  at_us integer not null,
  primary key (workspace_id, tag_no, version)
) without rowid;

-- What each party's tags are now. A value is JSON; `computed` is what the definition says where people say
-- otherwise.
create table tag_value (
  workspace_id integer not null,
  party_no integer not null,
  tag_no integer not null,
  value text not null,
  computed text,
  source text not null,
  since_us integer not null,
  expires_us integer,
  version integer not null,
  reasons text not null,
  party_key blob not null,
  primary key (workspace_id, party_no, tag_no)
) without rowid;
create index tag_value_tag on tag_value (workspace_id, tag_no, value, party_no);

-- The ledger: every value that came, changed or went, in order, each change once.
create table tag_change (
  workspace_id integer not null,
  tag_no integer not null,
  seq integer not null,
  party_no integer not null,
  party_key blob not null,
  value text,
  before text,
  at_us integer not null,
  version integer not null,
  cause text not null,
  reasons text not null,
  primary key (workspace_id, tag_no, seq)
) without rowid;
create index tag_change_party on tag_change (workspace_id, party_no, tag_no, seq);

-- What people, other systems and queries say, under the identifier they said it of. Run 0 is people's word.
create table tag_assignment (
  workspace_id integer not null,
  tag_no integer not null,
  node_no integer not null,
  run_no integer not null,
  at_us integer not null,
  key blob not null,
  value text,
  expires_us integer,
  source text not null,
  actor text not null,
  primary key (workspace_id, tag_no, node_no, run_no, at_us, key)
) without rowid;
create index tag_assignment_node on tag_assignment (workspace_id, node_no);

-- What is known of everybody together, as models want it: each version as it was put.
create table constant (
  workspace_id integer not null,
  name text not null,
  version integer not null,
  body text not null,
  actor text not null,
  at_us integer not null,
  primary key (workspace_id, name, version)
) without rowid;
