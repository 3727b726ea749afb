-- Parties whose rows in the lake may carry another number than theirs, because identifiers came or went after
-- the rows were written. Questions look them up one by one.
create table lake_moved (
  workspace_id bigint not null,
  party_no bigint not null,
  primary key (workspace_id, party_no)
);

alter table lake_moved enable row level security;
alter table lake_moved force row level security;
create policy own_workspace on lake_moved
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
