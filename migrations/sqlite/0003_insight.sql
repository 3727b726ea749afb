-- Audiences: what people defined, who is in them, and every entering and leaving.
create table audience (
  workspace_id integer not null,
  audience_no integer not null,
  audience_id text not null,
  version integer not null,
  name text not null,
  mode text not null,
  rule text not null,
  is_archived integer not null,
  actor text not null,
  created_us integer not null,
  changed_us integer not null,
  filled_no integer,
  last_seq integer not null,
  member_count integer not null,
  primary key (workspace_id, audience_no)
) without rowid;
create unique index audience_id on audience (workspace_id, audience_id);

-- Every version of a definition there ever was.
create table audience_version (
  workspace_id integer not null,
  audience_no integer not null,
  version integer not null,
  name text not null,
  rule text not null,
  actor text not null,
  at_us integer not null,
  primary key (workspace_id, audience_no, version)
) without rowid;

create table membership (
  workspace_id integer not null,
  party_no integer not null,
  audience_no integer not null,
  since_us integer not null,
  party_key blob not null,
  primary key (workspace_id, party_no, audience_no)
) without rowid;
create index membership_audience on membership (workspace_id, audience_no, party_no);

-- The ledger: who entered and left, in order, each change once.
create table membership_change (
  workspace_id integer not null,
  audience_no integer not null,
  seq integer not null,
  party_no integer not null,
  party_key blob not null,
  is_member integer not null,
  at_us integer not null,
  version integer not null,
  cause text not null,
  evidence text not null,
  primary key (workspace_id, audience_no, seq)
) without rowid;

-- When the passage of time alone may change what is true of a party.
create table timer (
  workspace_id integer not null,
  party_no integer not null,
  due_us integer not null,
  primary key (workspace_id, party_no)
) without rowid;
create index timer_due on timer (workspace_id, due_us);

-- Until when each partition has looked at what time changes.
create table evaluated (
  workspace_id integer not null,
  partition_no integer not null,
  until_us integer not null,
  primary key (workspace_id, partition_no)
) without rowid;

-- Which events of a batch are whose, until the lake has them. The events themselves are in the log.
create table lake_feed (
  workspace_id integer not null,
  partition_no integer not null,
  position integer not null,
  from_offset integer not null,
  to_offset integer not null,
  body blob not null,
  primary key (workspace_id, partition_no, position)
) without rowid;
