-- Where what is known is sent. A definition: changed by commands of the log alone.
create table destination (
  workspace_id integer not null,
  destination_no integer not null,
  destination_id text not null,
  version integer not null,
  name text not null,
  definition text not null,
  is_paused integer not null,
  is_archived integer not null,
  actor text not null,
  created_us integer not null,
  changed_us integer not null,
  primary key (workspace_id, destination_no)
) without rowid;
create unique index destination_id on destination (workspace_id, destination_id);

-- Credentials of destinations, sealed. No command holds one.
create table destination_secret (
  workspace_id integer not null,
  secret_id text not null,
  name text not null,
  sealed blob not null,
  previous blob not null,
  previous_until_us integer not null,
  actor text not null,
  created_us integer not null,
  changed_us integer not null,
  primary key (workspace_id, secret_id)
) without rowid;

-- Who serves a destination, under which epoch, and how it does.
create table destination_run (
  workspace_id integer not null,
  destination_no integer not null,
  epoch integer not null,
  owner text not null,
  lease_us integer not null,
  failures integer not null,
  retry_us integer not null,
  success_us integer not null,
  failure_us integer not null,
  failure text not null,
  delivered integer not null,
  blocked integer not null,
  dead integer not null,
  primary key (workspace_id, destination_no)
) without rowid;

-- Up to where a destination has accounted for a ledger.
create table destination_cursor (
  workspace_id integer not null,
  destination_no integer not null,
  ledger text not null,
  seq integer not null,
  claimed_seq integer not null,
  primary key (workspace_id, destination_no, ledger)
) without rowid;

-- What became of each change at each destination: sent, waiting, given up, held back.
create table delivery (
  workspace_id integer not null,
  destination_no integer not null,
  ledger text not null,
  seq integer not null,
  party_key blob not null,
  is_present integer not null,
  state text not null,
  attempts integer not null,
  first_us integer not null,
  last_us integer not null,
  retry_us integer not null,
  code integer,
  latency_us integer not null,
  reason text not null,
  primary key (workspace_id, destination_no, ledger, seq)
) without rowid;
create index delivery_latest on delivery (workspace_id, destination_no, last_us, ledger, seq);
create index delivery_state on delivery (workspace_id, destination_no, state, retry_us);
create index delivery_party on delivery (workspace_id, destination_no, ledger, party_key);

-- Whom a destination may hold something of, because it was sent or tried.
create table destination_holding (
  workspace_id integer not null,
  destination_no integer not null,
  ledger text not null,
  party_key blob not null,
  at_us integer not null,
  primary key (workspace_id, destination_no, ledger, party_key)
) without rowid;
