-- Expand, then contract. The same names and columns exist for both databases; a test compares them.

-- Identifiers. `party_no` is the party that holds the identifier (for one that changes hands: see `holder`);
-- `anchor_no` is the party number given when the identifier first anchored a party.
create table node (
  workspace_id bigint not null,
  node_no bigint not null,
  key bytea not null,
  kind text collate "C" not null,
  value text collate "C" not null,
  era bigint not null,
  first_us bigint not null,
  unbound_us bigint,
  party_no bigint not null,
  anchor_no bigint,
  is_split bigint not null,
  primary key (workspace_id, node_no)
);
create unique index node_key on node (workspace_id, key);
create index node_party on node (party_no, workspace_id);

-- Two identifiers seen together, one row per time bucket of the more changeable one.
create table edge (
  workspace_id bigint not null,
  a_no bigint not null,
  b_no bigint not null,
  bucket bigint not null,
  first_us bigint not null,
  last_us bigint not null,
  evidence bytea not null,
  primary key (workspace_id, a_no, b_no, bucket)
);
create index edge_back on edge (b_no, workspace_id);

-- A soft identifier seen with a hard one, by the hour: who used this device or cookie, and when.
create table touch (
  workspace_id bigint not null,
  soft_no bigint not null,
  hard_no bigint not null,
  bucket bigint not null,
  first_us bigint not null,
  last_us bigint not null,
  evidence bytea not null,
  primary key (workspace_id, soft_no, hard_no, bucket)
);
create index touch_hard on touch (hard_no, workspace_id);

-- What was said of an identifier's holder that two people cannot share: name, birth year, operator.
create table claim (
  workspace_id bigint not null,
  node_no bigint not null,
  field text collate "C" not null,
  value text collate "C" not null,
  first_us bigint not null,
  last_us bigint not null,
  primary key (workspace_id, node_no, field, value)
);

-- Who holds an identifier that changes hands, from when on. Only for split nodes.
create table holder (
  workspace_id bigint not null,
  node_no bigint not null,
  from_us bigint not null,
  via_no bigint,
  primary key (workspace_id, node_no, from_us)
);
create index holder_via on holder (workspace_id, via_no);

-- Edges that clustering refused, for review.
create table contested (
  workspace_id bigint not null,
  a_no bigint not null,
  b_no bigint not null,
  reason text collate "C" not null,
  evidence bytea not null,
  primary key (workspace_id, a_no, b_no)
);

-- Identifiers seen with more others than the rules allow: nothing is looked for behind them.
create table crowded (
  workspace_id bigint not null,
  node_no bigint not null,
  via text collate "C" not null,
  primary key (workspace_id, node_no, via)
);

-- Parties that decisions gave other identifiers, until their audiences are looked at again.
create table regrouped (
  workspace_id bigint not null,
  party_no bigint not null,
  primary key (workspace_id, party_no)
);

-- What people (or the matcher) decided. Retracted ones stay as history.
create table decision (
  workspace_id bigint not null,
  decision_id bytea not null,
  kind text collate "C" not null,
  body text collate "C" not null,
  actor text collate "C" not null,
  reason text collate "C" not null,
  at_us bigint not null,
  retracted_us bigint,
  primary key (workspace_id, decision_id)
);

-- The last number given out, by what it numbers.
create table counter (
  workspace_id bigint not null,
  name text collate "C" not null,
  value bigint not null,
  primary key (workspace_id, name)
);

create table identity_rules (
  workspace_id bigint not null,
  version bigint not null,
  body text collate "C" not null,
  actor text collate "C" not null,
  at_us bigint not null,
  primary key (workspace_id, version)
);

-- The winning change of each field, by node, source, operation and (for changeable nodes) time bucket.
create table trait_fact (
  workspace_id bigint not null,
  node_no bigint not null,
  field text collate "C" not null,
  source_no bigint not null,
  bucket bigint not null,
  op bigint not null,
  slot bytea not null,
  value text collate "C" not null,
  time_us bigint not null,
  key bytea not null,
  primary key (workspace_id, node_no, field, source_no, bucket, op, slot)
);

-- Events of one node, some to a row.
create table timeline (
  workspace_id bigint not null,
  node_no bigint not null,
  chunk_no bigint not null,
  first_us bigint not null,
  last_us bigint not null,
  event_count bigint not null,
  body bytea not null,
  primary key (workspace_id, node_no, chunk_no)
);

create table search_term (
  workspace_id bigint not null,
  term text collate "C" not null,
  node_no bigint not null,
  primary key (workspace_id, term, node_no)
);

-- Facts about things that are not parties: catalogue items, groups.
create table object_fact (
  workspace_id bigint not null,
  object_kind text collate "C" not null,
  object_id text collate "C" not null,
  field text collate "C" not null,
  value text collate "C" not null,
  time_us bigint not null,
  key bytea not null,
  primary key (workspace_id, object_kind, object_id, field)
);

-- Where the pipeline is in each partition of the log, and what it has counted.
create table cursor (
  workspace_id bigint not null,
  partition_no bigint not null,
  log_offset bigint not null,
  incarnation bytea not null,
  epoch bigint not null,
  owner text collate "C" not null,
  lease_us bigint not null,
  batch_no bigint not null,
  processed bigint not null,
  deduplicated bigint not null,
  quarantined bigint not null,
  primary key (workspace_id, partition_no)
);

-- Keys of events already processed: sorted pages, dropped whole when their run is 28 days old.
create table seen_page (
  workspace_id bigint not null,
  partition_no bigint not null,
  run_no bigint not null,
  page_no bigint not null,
  newest_us bigint not null,
  first_key bytea not null,
  keys bytea not null,
  primary key (workspace_id, partition_no, run_no, page_no)
);

create table plan_event (
  workspace_id bigint not null,
  event text collate "C" not null,
  status text collate "C" not null,
  first_us bigint not null,
  primary key (workspace_id, event)
);

create table plan_property (
  workspace_id bigint not null,
  event text collate "C" not null,
  property text collate "C" not null,
  kind text collate "C" not null,
  status text collate "C" not null,
  first_us bigint not null,
  primary key (workspace_id, event, property)
);

create table quarantine (
  workspace_id bigint not null,
  quarantine_id bytea not null,
  source_no bigint not null,
  class text collate "C" not null,
  field text collate "C" not null,
  reason text collate "C" not null,
  event text collate "C" not null,
  received_us bigint not null,
  state text collate "C" not null,
  frame bytea not null,
  primary key (workspace_id, quarantine_id)
);
create index quarantine_state on quarantine (workspace_id, state, received_us, quarantine_id);

create table audit (
  workspace_id bigint not null,
  seq bigint not null,
  at_us bigint not null,
  actor text collate "C" not null,
  action text collate "C" not null,
  subject text collate "C" not null,
  detail text collate "C" not null,
  hash bytea not null,
  primary key (workspace_id, seq)
);

-- The second wall: a row of another workspace does not exist for this transaction.
alter table node enable row level security;
alter table node force row level security;
create policy own_workspace on node
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table edge enable row level security;
alter table edge force row level security;
create policy own_workspace on edge
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table touch enable row level security;
alter table touch force row level security;
create policy own_workspace on touch
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table claim enable row level security;
alter table claim force row level security;
create policy own_workspace on claim
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table holder enable row level security;
alter table holder force row level security;
create policy own_workspace on holder
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table contested enable row level security;
alter table contested force row level security;
create policy own_workspace on contested
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table crowded enable row level security;
alter table crowded force row level security;
create policy own_workspace on crowded
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table regrouped enable row level security;
alter table regrouped force row level security;
create policy own_workspace on regrouped
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table decision enable row level security;
alter table decision force row level security;
create policy own_workspace on decision
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table counter enable row level security;
alter table counter force row level security;
create policy own_workspace on counter
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table identity_rules enable row level security;
alter table identity_rules force row level security;
create policy own_workspace on identity_rules
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table trait_fact enable row level security;
alter table trait_fact force row level security;
create policy own_workspace on trait_fact
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table timeline enable row level security;
alter table timeline force row level security;
create policy own_workspace on timeline
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table search_term enable row level security;
alter table search_term force row level security;
create policy own_workspace on search_term
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table object_fact enable row level security;
alter table object_fact force row level security;
create policy own_workspace on object_fact
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table cursor enable row level security;
alter table cursor force row level security;
create policy own_workspace on cursor
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table seen_page enable row level security;
alter table seen_page force row level security;
create policy own_workspace on seen_page
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table plan_event enable row level security;
alter table plan_event force row level security;
create policy own_workspace on plan_event
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table plan_property enable row level security;
alter table plan_property force row level security;
create policy own_workspace on plan_property
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table quarantine enable row level security;
alter table quarantine force row level security;
create policy own_workspace on quarantine
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
alter table audit enable row level security;
alter table audit force row level security;
create policy own_workspace on audit
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
