-- Lists that were sent to destinations, or are on their way: of whom, as of which place in the ledger.
create table destination_list (
  workspace_id integer not null,
  destination_no integer not null,
  job_no integer not null,
  ledger text not null,
  seq integer not null,
  state text not null,
  attempts integer not null,
  parties integer not null,
  blocked integer not null,
  began_us integer not null,
  last_us integer not null,
  name text not null,
  reason text not null,
  primary key (workspace_id, destination_no, job_no)
) without rowid;
