-- Expand, then contract. The same names and columns exist for both databases; a test compares them.

-- Identifiers. `party_no` is the party that holds the identifier (for one that changes hands: see `holder`);
-- `anchor_no` is the party number given when the identifier first anchored a party.
create table node (
  workspace_id integer not null,
  node_no integer not null,
  key blob not null,
  kind text not null,
  value text not null,
  era integer not null,
  first_us integer not null,
  unbound_us integer,
  party_no integer not null,
  anchor_no integer,
  is_split integer not null,
  primary key (workspace_id, node_no)
) without rowid;
create unique index node_key on node (workspace_id, key);
create index node_party on node (party_no, workspace_id);

-- Two identifiers seen together, one row per time bucket of the more changeable one.
create table edge (
  workspace_id integer not null,
  a_no integer not null,
  b_no integer not null,
  bucket integer not null,
  first_us integer not null,
  last_us integer not null,
  evidence blob not null,
  primary key (workspace_id, a_no, b_no, bucket)
) without rowid;
create index edge_back on edge (b_no, workspace_id);

-- A soft identifier seen with a hard one, by the hour: who used this device or cookie, and when.
create table touch (
  workspace_id integer not null,
  soft_no integer not null,
  hard_no integer not null,
  bucket integer not null,
  first_us integer not null,
  last_us integer not null,
  evidence blob not null,
  primary key (workspace_id, soft_no, hard_no, bucket)
) without rowid;
create index touch_hard on touch (hard_no, workspace_id);

-- What was said of an identifier's holder that two people cannot share: name, birth year, operator.
create table claim (
  workspace_id integer not null,
  node_no integer not null,
  field text not null,
  value text not null,
  first_us integer not null,
  last_us integer not null,
  primary key (workspace_id, node_no, field, value)
) without rowid;

-- Who holds an identifier that changes hands, from when on. Only for split nodes.
create table holder (
  workspace_id integer not null,
  node_no integer not null,
  from_us integer not null,
  via_no integer,
  primary key (workspace_id, node_no, from_us)
) without rowid;
create index holder_via on holder (workspace_id, via_no);

-- Edges that clustering refused, for review.
create table contested (
  workspace_id integer not null,
  a_no integer not null,
  b_no integer not null,
  reason text not null,
  evidence blob not null,
  primary key (workspace_id, a_no, b_no)
) without rowid;

-- Identifiers seen with more others than the rules allow: nothing is looked for behind them.
create table crowded (
  workspace_id integer not null,
  node_no integer not null,
  via text not null,
  primary key (workspace_id, node_no, via)
) without rowid;

-- Parties that decisions gave other identifiers, until their audiences are looked at again.
create table regrouped (
  workspace_id integer not null,
  party_no integer not null,
  primary key (workspace_id, party_no)
) without rowid;

-- What people (or the matcher) decided. Retracted ones stay as history.
create table decision (
  workspace_id integer not null,
  decision_id blob not null,
  kind text not null,
  body text not null,
  actor text not null,
  reason text not null,
  at_us integer not null,
  retracted_us integer,
  primary key (workspace_id, decision_id)
) without rowid;

-- The last number given out, by what it numbers.
create table counter (
  workspace_id integer not null,
  name text not null,
  value integer not null,
  primary key (workspace_id, name)
) without rowid;

create table identity_rules (
  workspace_id integer not null,
  version integer not null,
  body text not null,
  actor text not null,
  at_us integer not null,
  primary key (workspace_id, version)
) without rowid;

-- The winning change of each field, by node, source, operation and (for changeable nodes) time bucket.
create table trait_fact (
  workspace_id integer not null,
  node_no integer not null,
  field text not null,
  source_no integer not null,
  bucket integer not null,
  op integer not null,
  slot blob not null,
  value text not null,
  time_us integer not null,
  key blob not null,
  primary key (workspace_id, node_no, field, source_no, bucket, op, slot)
) without rowid;

-- Events of one node, some to a row.
create table timeline (
  workspace_id integer not null,
  node_no integer not null,
  chunk_no integer not null,
  first_us integer not null,
  last_us integer not null,
  event_count integer not null,
  body blob not null,
  primary key (workspace_id, node_no, chunk_no)
);

create table search_term (
  workspace_id integer not null,
  term text not null,
  node_no integer not null,
  primary key (workspace_id, term, node_no)
) without rowid;

-- Facts about things that are not parties: catalogue items, groups.
create table object_fact (
  workspace_id integer not null,
  object_kind text not null,
  object_id text not null,
  field text not null,
  value text not null,
  time_us integer not null,
  key blob not null,
  primary key (workspace_id, object_kind, object_id, field)
) without rowid;

-- Where the pipeline is in each partition of the log, and what it has counted.
create table cursor (
  workspace_id integer not null,
  partition_no integer not null,
  log_offset integer not null,
  incarnation blob not null,
  epoch integer not null,
  owner text not null,
  lease_us integer not null,
  batch_no integer not null,
  processed integer not null,
  deduplicated integer not null,
  quarantined integer not null,
  primary key (workspace_id, partition_no)
) without rowid;

-- Keys of events already processed: sorted pages, dropped whole when their run is 28 days old.
create table seen_page (
  workspace_id integer not null,
  partition_no integer not null,
  run_no integer not null,
  page_no integer not null,
  newest_us integer not null,
  first_key blob not null,
  keys blob not null,
  primary key (workspace_id, partition_no, run_no, page_no)
);

create table plan_event (
  workspace_id integer not null,
  event text not null,
  status text not null,
  first_us integer not null,
  primary key (workspace_id, event)
) without rowid;

create table plan_property (
  workspace_id integer not null,
  event text not null,
  property text not null,
  kind text not null,
  status text not null,
  first_us integer not null,
  primary key (workspace_id, event, property)
) without rowid;

create table quarantine (
  workspace_id integer not null,
  quarantine_id blob not null,
  source_no integer not null,
  class text not null,
  field text not null,
  reason text not null,
  event text not null,
  received_us integer not null,
  state text not null,
  frame blob not null,
  primary key (workspace_id, quarantine_id)
);
create index quarantine_state on quarantine (workspace_id, state, received_us, quarantine_id);

create table audit (
  workspace_id integer not null,
  seq integer not null,
  at_us integer not null,
  actor text not null,
  action text not null,
  subject text not null,
  detail text not null,
  hash blob not null,
  primary key (workspace_id, seq)
) without rowid;
