-- Lists that were sent to destinations, or are on their way: of whom, as of which place in the ledger.
create table destination_list (
  workspace_id bigint not null,
  destination_no bigint not null,
  job_no bigint not null,
  ledger text collate "C" not null,
  seq bigint not null,
  state text collate "C" not null,
  attempts bigint not null,
  parties bigint not null,
  blocked bigint not null,
  began_us bigint not null,
  last_us bigint not null,
  name text collate "C" not null,
  reason text collate "C" not null,
  primary key (workspace_id, destination_no, job_no)
);

alter table destination_list enable row level security;
alter table destination_list force row level security;
create policy own_workspace on destination_list
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
